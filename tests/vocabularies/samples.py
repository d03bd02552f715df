"""Small vocabularies in each format, written by hand; concepts of the synthetic sample corpus."""

PLAIN_DISEASES = """# Diseases of the kidney and others
MESH:D058186\tAcute Kidney Injury|acute renal failure|Kidney Failure, Acute
MESH:D056486\tChemical and Drug Induced Liver Injury|Hepatitis, Toxic|drug-induced hepatitis
MESH:D003920\tDiabetes Mellitus
OMIM:222100\tDiabetes Mellitus, Insulin-Dependent
"""
PLAIN_CHEMICALS = """MESH:D014640\tVancomycin|Vancocin
MESH:D010878\tPiperacillin
D007538\tIsoniazid|INH|Isonicotinic Acid Hydrazide
"""
MESH_DESCRIPTORS = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE DescriptorRecordSet SYSTEM "https://www.nlm.nih.gov/databases/dtd/nlmdescriptorrecordset_20260101.dtd">
<DescriptorRecordSet LanguageCode="eng">
<DescriptorRecord DescriptorClass="1">
 <DescriptorUI>D058186</DescriptorUI>
 <DescriptorName><String>Acute Kidney Injury</String></DescriptorName>
 <TreeNumberList><TreeNumber>C12.050.351.968.419.780.050</TreeNumber></TreeNumberList>
 <ConceptList><Concept PreferredConceptYN="Y">
  <ConceptUI>M0552354</ConceptUI>
  <ConceptName><String>Acute Kidney Injury</String></ConceptName>
  <TermList>
   <Term ConceptPreferredTermYN="Y"><TermUI>T1</TermUI><String>Acute Kidney Injury</String></Term>
   <Term ConceptPreferredTermYN="N"><TermUI>T2</TermUI><String>Acute Renal Failure</String></Term>
  </TermList>
 </Concept></ConceptList>
</DescriptorRecord>
<DescriptorRecord DescriptorClass="1">
 <DescriptorUI>D014640</DescriptorUI>
 <DescriptorName><String>Vancomycin</String></DescriptorName>
 <TreeNumberList><TreeNumber>D09.400.420.925</TreeNumber></TreeNumberList>
 <ConceptList><Concept PreferredConceptYN="Y">
  <ConceptUI>M0022545</ConceptUI>
  <ConceptName><String>Vancomycin</String></ConceptName>
  <TermList>
   <Term ConceptPreferredTermYN="Y"><TermUI>T3</TermUI><String>Vancomycin</String></Term>
  </TermList>
 </Concept></ConceptList>
</DescriptorRecord>
<DescriptorRecord DescriptorClass="1">
 <DescriptorUI>D006761</DescriptorUI>
 <DescriptorName><String>Hospitals</String></DescriptorName>
 <TreeNumberList><TreeNumber>N02.278.421</TreeNumber></TreeNumberList>
 <ConceptList><Concept PreferredConceptYN="Y">
  <ConceptUI>M0010510</ConceptUI>
  <ConceptName><String>Hospitals</String></ConceptName>
  <TermList>
   <Term ConceptPreferredTermYN="Y"><TermUI>T4</TermUI><String>Hospitals</String></Term>
  </TermList>
 </Concept></ConceptList>
</DescriptorRecord>
</DescriptorRecordSet>
"""
MESH_SUPPLEMENTARY = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE SupplementalRecordSet SYSTEM "https://www.nlm.nih.gov/databases/dtd/nlmsupplementalrecordset_20260101.dtd">
<SupplementalRecordSet LanguageCode="eng">
<SupplementalRecord SCRClass="1">
 <SupplementalRecordUI>C000601</SupplementalRecordUI>
 <SupplementalRecordName><String>novelidine</String></SupplementalRecordName>
 <HeadingMappedToList><HeadingMappedTo><DescriptorReferredTo>
  <DescriptorUI>*D010878</DescriptorUI>
  <DescriptorName><String>Piperacillin</String></DescriptorName>
 </DescriptorReferredTo></HeadingMappedTo></HeadingMappedToList>
 <ConceptList><Concept PreferredConceptYN="Y">
  <ConceptUI>M0700001</ConceptUI>
  <ConceptName><String>novelidine</String></ConceptName>
  <TermList>
   <Term ConceptPreferredTermYN="Y"><TermUI>T5</TermUI><String>novelidine</String></Term>
  </TermList>
 </Concept></ConceptList>
</SupplementalRecord>
</SupplementalRecordSet>
"""
CTD_CHEMICALS = """# Report created: Thu Oct 01 11:00:00 EDT 2026
#
# Fields:
# ChemicalName\tChemicalID\tCasRN\tDefinition\tParentIDs\tTreeNumbers\tParentTreeNumbers\tSynonyms
#
Isoniazid\tMESH:D007538\t54-85-3\tAn agent.\tMESH:D007539\tD03.066\tD03\tINH|Tubazide
"""
ENTITY_BOMB = """<?xml version="1.0"?>
<!DOCTYPE DescriptorRecordSet [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>
<DescriptorRecordSet><DescriptorRecord><DescriptorUI>&b;</DescriptorUI></DescriptorRecord>
</DescriptorRecordSet>
"""
