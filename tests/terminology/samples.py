"""Small vocabularies in each format, written by hand in the shape of the real files."""

MESH_DESCRIPTORS = b"""<?xml version="1.0"?>
<!DOCTYPE DescriptorRecordSet SYSTEM "https://www.nlm.nih.gov/databases/dtd/nlmdescriptorrecordset_20250101.dtd">
<DescriptorRecordSet LanguageCode = "eng">
<DescriptorRecord DescriptorClass = "1">
  <DescriptorUI>D900001</DescriptorUI>
  <DescriptorName><String>Zorvexin Poisoning</String></DescriptorName>
  <DateCreated><Year>1999</Year><Month>01</Month><Day>01</Day></DateCreated>
  <AllowableQualifiersList>
    <AllowableQualifier>
      <QualifierReferredTo>
        <QualifierUI>Q000175</QualifierUI>
        <QualifierName><String>diagnosis</String></QualifierName>
      </QualifierReferredTo>
      <Abbreviation>DI</Abbreviation>
    </AllowableQualifier>
  </AllowableQualifiersList>
  <SeeRelatedList>
    <SeeRelatedDescriptor>
      <DescriptorReferredTo>
        <DescriptorUI>D900002</DescriptorUI>
        <DescriptorName><String>Zorvexin</String></DescriptorName>
      </DescriptorReferredTo>
    </SeeRelatedDescriptor>
  </SeeRelatedList>
  <TreeNumberList><TreeNumber>C25.900.111</TreeNumber></TreeNumberList>
  <ConceptList>
    <Concept PreferredConceptYN="Y">
      <ConceptUI>M0900001</ConceptUI>
      <ConceptName><String>Zorvexin Poisoning</String></ConceptName>
      <ScopeNote>Harm done by zorvexin &amp; the like.</ScopeNote>
      <TermList>
        <Term ConceptPreferredTermYN="Y" IsPermutedTermYN="N" LexicalTag="NON"
          RecordPreferredTermYN="Y">
          <TermUI>T900001</TermUI>
          <String>Zorvexin Poisoning</String>
        </Term>
        <Term ConceptPreferredTermYN="N" IsPermutedTermYN="Y" LexicalTag="NON"
          RecordPreferredTermYN="N">
          <TermUI>T900001</TermUI>
          <String>Poisoning, Zorvexin</String>
        </Term>
      </TermList>
    </Concept>
    <Concept PreferredConceptYN="N">
      <ConceptUI>M0900009</ConceptUI>
      <ConceptName><String>Morbus Zorvexini</String></ConceptName>
      <TermList>
        <Term ConceptPreferredTermYN="Y" IsPermutedTermYN="N" LexicalTag="EPO"
          RecordPreferredTermYN="N">
          <TermUI>T900003</TermUI>
          <String>Gr\xc3\xb6nlund &amp;
            Havik's Disease</String>
        </Term>
      </TermList>
    </Concept>
  </ConceptList>
</DescriptorRecord>
<DescriptorRecord DescriptorClass = "1">
  <DescriptorUI>D900002</DescriptorUI>
  <DescriptorName><String>Zorvexin</String></DescriptorName>
  <TreeNumberList><TreeNumber>D02.900</TreeNumber><TreeNumber>D03.121</TreeNumber></TreeNumberList>
  <ConceptList><Concept PreferredConceptYN="Y"><TermList>
    <Term><TermUI>T1</TermUI><String>Zorvexin</String></Term>
    <Term><TermUI>T2</TermUI><String>alpha-Zorvexin</String></Term>
  </TermList></Concept></ConceptList>
</DescriptorRecord>
<DescriptorRecord DescriptorClass = "1">
  <DescriptorUI>D900003</DescriptorUI>
  <DescriptorName><String>Melancholic Dread</String></DescriptorName>
  <TreeNumberList><TreeNumber>F01.470</TreeNumber><TreeNumber>F03.600</TreeNumber></TreeNumberList>
</DescriptorRecord>
<DescriptorRecord DescriptorClass = "1">
  <DescriptorUI>D900004</DescriptorUI>
  <DescriptorName><String>Hospitals, Imaginary</String></DescriptorName>
  <TreeNumberList><TreeNumber>N02.278</TreeNumber></TreeNumberList>
</DescriptorRecord>
<DescriptorRecord DescriptorClass = "4">
  <DescriptorUI>D900005</DescriptorUI>
  <DescriptorName><String>Anyland</String></DescriptorName>
</DescriptorRecord>
</DescriptorRecordSet>
"""

_SUPPLEMENTARY = """<SupplementalRecord SCRClass = "{cls}">
  <SupplementalRecordUI>{id}</SupplementalRecordUI>
  <SupplementalRecordName><String>{name}</String></SupplementalRecordName>
  <Note>made up</Note>
  <HeadingMappedToList><HeadingMappedTo><DescriptorReferredTo>
    <DescriptorUI>*D900002</DescriptorUI>
    <DescriptorName><String>Zorvexin</String></DescriptorName>
  </DescriptorReferredTo></HeadingMappedTo></HeadingMappedToList>
  <ConceptList><Concept PreferredConceptYN="Y">
    <ConceptName><String>{name}</String></ConceptName>
    <TermList>
      <Term><TermUI>T1</TermUI><String>{name}</String></Term>
      <Term><TermUI>T2</TermUI><String>{other}</String></Term>
    </TermList>
  </Concept></ConceptList>
</SupplementalRecord>
"""
MESH_SUPPLEMENTARY = "".join(
    [
        '<?xml version="1.0"?>\n<!DOCTYPE SupplementalRecordSet SYSTEM "https://www.nlm.nih.gov/'
        'databases/dtd/nlmsupplementalrecordset_20250101.dtd">\n',
        '<SupplementalRecordSet LanguageCode = "eng">\n',
        _SUPPLEMENTARY.format(cls=1, id="C900001", name="norzorvexin", other="N-0-ZVX"),
        _SUPPLEMENTARY.format(cls=2, id="C900002", name="ZVX protocol", other="ZVXP"),
        _SUPPLEMENTARY.format(cls=3, id="C900003", name="Havik syndrome", other="HVKS"),
        _SUPPLEMENTARY.format(cls=4, id="C900004", name="Zorvexivirus", other="ZV"),
        "</SupplementalRecordSet>\n",
    ]
).encode()

_CTD_COMMENTS = """# The Comparative Toxicogenomics Database (CTD) - http://ctdbase.org/
#
# Report created: never; what follows is made up.
#
# Fields:
# {columns}
#
"""


def _tsv(columns: str, *rows: list[str]) -> bytes:
    comments = _CTD_COMMENTS.format(columns="\t".join(columns.split()))
    return (comments + "".join("\t".join(row) + "\n" for row in rows)).encode()


CTD_CHEMICALS = _tsv(
    "ChemicalName ChemicalID CasRN Definition ParentIDs TreeNumbers ParentTreeNumbers Synonyms",
    ["Zorvexin", "MESH:D900002", "1-2-3", "A drug.", "MESH:D1", "D02.900", "D02", "ZVX|Zorvexine"],
    ["norzorvexin", "MESH:C900001", "", "", "MESH:D900002", "D02.900/C900001", "D02.900", ""],
)
# As CTD writes it of late.
CTD_CHEMICALS_SPLIT = _tsv(
    "ChemicalName ChemicalID CasRN PubChemCID PubChemSID DTXSID InChIKey Definition ParentIDs "
    "TreeNumbers ParentTreeNumbers MESHSynonyms CTDCuratedSynonyms",
    ["Zorvexin", "MESH:D900002", *[""] * 9, "ZVX", "Zorvexine|ZVX"],
)
CTD_DISEASES = _tsv(
    "DiseaseName DiseaseID AltDiseaseIDs Definition ParentIDs TreeNumbers ParentTreeNumbers "
    "Synonyms SlimMappings",
    ["Havik syndrome", "OMIM:999001", "DO:DOID:1", "", "MESH:D9", "C1", "C", "HVKS", "Eye disease"],
    ["Zorvexin Poisoning", "MESH:D900001", "", "", "MESH:D9", "C25", "C", "", ""],
)
CTD_ASSOCIATIONS = _tsv(
    "ChemicalName ChemicalID CasRN DiseaseName DiseaseID Synonyms",
    ["Zorvexin", "D900002", "", "Havik syndrome", "OMIM:999001", ""],
)
PLAIN = b"""# our own names
D900002\tZorvexin| zorvexin  sulphate ||Zorvexin

MESH:C900001\tnorzorvexin
OMIM:999001\tHavik syndrome|HVKS
"""
