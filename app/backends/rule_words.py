"""The words and word endings of the `rules` base model, from general knowledge.

Endings are those of international nonproprietary names, of chemical nomenclature and of Greek and
Latin medical terms; all words are in lower case.
"""

import re


def _words(*lines: str) -> frozenset[str]:
    return frozenset(" ".join(lines).split())


# Stems of the international nonproprietary names, and of chemical nomenclature.
CHEMICAL_ENDING = re.compile(
    r"(?:azole|azepine|az[eo]pam|azolam|barbital|barbitone|olol|pril|sartan|statin|m[yi]cin"
    r"|cycline|cillin|oxacin|floxacin|vir|vudine|abine|platin|rubicin|taxel|tinib|mab|trexate"
    r"|parin|grel|tidine|setron|triptan|dipine|terol|phylline|thiazide|semide|[dz]one|oxetine"
    r"|amine|apine|peridol|azine|curium|curonium|caine|orphine|orphan|tanil|profen|fenac|oxicam"
    r"|coxib|icylate|aminophen|asone|solone|onide|diol|sterone|amide|lukast|gli(?:tazone|ptin)"
    r"|formin|zolid|quine|dronate|dopa|giline|capone|pezil|stigmine|tropine|phrine|[aeiou]line"
    r"|[ai]dine|oxin|estrol|pentin|racetam|ytoin|suximide|poietin|zosin|nitr[ai]te|mustine"
    r"|fosfamide|cristine|blastine|sporine?|limus|pam|thane|flurane|ethanol"
    r"|gestrel|profol|rone|fluorouracil|[ae]rine|virin|nidine|pamil|tiazem)s?\Z"
)
CHEMICAL_NAMES = _words(
    "lithium sodium potassium calcium magnesium iron copper zinc lead mercury arsenic cadmium",
    "aluminum aluminium cobalt nickel manganese gold silver iodine oxygen nitrogen glucose",
    "alcohol ethanol methanol caffeine nicotine cocaine heroin morphine cannabis aspirin heparin",
    "warfarin digoxin histamine serotonin dopamine adrenaline epinephrine noradrenaline",
    "norepinephrine acetylcholine estrogen oestrogen progesterone testosterone cortisol steroid",
    "steroids corticosteroids creatinine cholesterol bilirubin urea valproate tamoxifen clozapine",
)
SALTS = _words(
    "hydrochloride hydrobromide sulfate sulphate chloride bromide iodide acetate citrate tartrate",
    "maleate fumarate phosphate carbonate bicarbonate oxide gluconate succinate acid dioxide",
    "monoxide fluoride hydroxide lactate sodium nitrate",
)
NOT_CHEMICAL = _words(
    "baseline guideline guidelines pipeline online decline timeline saline alkaline hormone",
    "hormones undergone milestone histone histones uterine",
)
# What is only joined to a name: cisplatin-induced.
JOINED = re.compile(
    r"-(?:(?P<induces>induced|evoked|provoked)|treated|associated|related|dependent|sensitive"
    r"|resistant|containing|exposed|mediated|releasing|intoxicated)\Z",
    re.IGNORECASE,
)
NOT_INDUCER = _words(
    "drug stress exercise age dose radiation infection pregnancy pacing self cold heat light agent",
    "chemically medication contrast chemotherapy surgery seizure pain noise treatment therapy",
)

DISEASE_ENDING = re.compile(
    r"(?:itis|osis|oses|emia|aemia|pathy|pathies|oma|algia|rrhea|rrhoea|plegia|paresis|penia"
    r"|megaly|uria|rrhage|kinesia|taxia|epsy|plasia|stenosis|embolism|edema|ythmia|cardia|spasm"
    r"|pn[oe]+a|phasia|lysis|toxicity|ectasis|alg?esia)s?\Z"
)
DISEASE_NAMES = _words(
    "pain headache headaches migraine fever nausea vomiting diarrhea diarrhoea constipation rash",
    "seizure seizures convulsion convulsions epileptic stroke coma delirium confusion depression",
    "depressive anxiety mania manic psychosis dementia schizophrenia schizophrenic autism insomnia",
    "hallucinations agitation amnesia hypertension hypertensive hypotension hypotensive ischemia",
    "infarction fibrillation asystole angina shock syncope bleeding cancer cancers tumor tumors",
    "tumour tumours diabetes diabetic obesity asthma pneumonia malaria sepsis ascites gout",
    "fibrosis ulcer ulcers glaucoma cataract blindness deafness tinnitus vertigo dizziness tremor",
    "tremors dystonia parkinsonism chorea catalepsy akathisia paralysis hypoxia apnea cough",
    "pruritus alopecia urticaria anaphylaxis hypothermia hyperthermia dehydration alcoholism",
)
NOT_DISEASE = _words(
    "diagnosis prognosis homeostasis apoptosis analysis dialysis hemodialysis haemodialysis",
    "metabolism osmosis mitosis dialyses hydrolysis catalysis electrolysis lipolysis glycolysis",
    "proteolysis fibrinolysis thrombolysis microdialysis urinalysis empathy aroma stoma",
)
# What disease names end with; the second half names a disease only with a word before it.
HEADS = _words(
    "toxicity infarction ischemia ischaemia cancer carcinoma tumor tumors fibrillation arrhythmia",
    "arrhythmias tachycardia hypertension hypotension thrombosis hemorrhage haemorrhage bleeding",
    "stenosis fibrosis necrosis edema oedema pain anemia anaemia leukemia neuropathy nephropathy",
    "cardiomyopathy myopathy encephalopathy hepatitis nephritis ulcer depression seizures",
)
BARE_HEADS = _words(
    "disease diseases syndrome failure disorder disorders injury injuries dysfunction block",
    "insufficiency impairment impairments deficit deficits arrest infection infections damage",
    "lesions abnormalities deficiency dependence abuse attack attacks loss palsy overdose",
)
ADJECTIVE = re.compile(r"\w{2,}(?:al|ic|ar|ary|iac|ive|ous|ory|'s)")
MODIFIER_NOUNS = _words(
    "liver kidney heart lung brain bone muscle skin nerve eye bladder breast prostate colon memory",
    "stomach weight hearing back chest artery acute chronic drug alcohol blood sleep mood movement",
    "bowel valve",
)
NOT_MODIFIER = _words(
    "clinical several typical total general medical initial additional potential various serious",
    "previous physical experimental possible other similar positive negative significant",
    "spontaneous subsequent particular specific special critical usual individual extensive",
    "necessary minimal maximal subclinical",
)

# Endings are looked for in this many last characters.
LONGEST_ENDING = 15

# A sentence that says this, and names a chemical and a disease, relates them.
TRIGGER = re.compile(
    r"induc(?:ed|es|ing|tion)|caus(?:ed?|es|ing)|associated|association|\bafter\b|\bfollowing\b"
    r"|due to|related|secondary to|attributed|produc(?:ed|es|ing)|\bdeveloped|result(?:ed|ing) in"
    r"|\bled to|provoked|precipitated|side effects?|adverse|complicat\w+|\brisk\b|receiving",
    re.IGNORECASE,
)
