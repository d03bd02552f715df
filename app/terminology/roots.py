"""Words of one meaning as one: British spelling, Latin and Greek roots, what diseases are called.

"Nephrotoxicity", "renal toxicity" and "toxicity to the kidneys" name one thing. What stands here is
the general language of medicine, no vocabulary: which concept a name means is learnt elsewhere.
"""

from app.terminology.remembering import remembered
from app.terminology.words import JOINING, words

_ALIKE = {
    "liver": "hepatic hepatocellular",
    "kidney": "renal nephric",
    "heart": "cardiac myocardial myocardium",
    "lung": "pulmonary",
    "brain": "cerebral",
    "stomach": "gastric",
    "eye": "ocular ophthalmic visual",
    "skin": "cutaneous dermal dermatologic",
    "vessel": "vascular",
    "blood": "hematologic hematological",
    "muscle": "muscular",
    "nerve": "neural neuronal neurologic neurological",
    "bowel": "intestinal intestine",
    "psychic": "mental psychiatric",
    "breast": "mammary",
    "mouth": "oral",
    "nose": "nasal",
    "bone": "osseous",
    "ovary": "ovarian",
    "testis": "testicular",
    "prostate": "prostatic",
    "pancreas": "pancreatic",
    "fetus": "fetal",
    "ventricle": "ventricular",
    "atrium": "atrial",
    "artery": "arterial",
    "vein": "venous",
    "cancer": "tumor neoplasm carcinoma malignancy neoplasia malignant",
    "injury": "damage lesion",
    "toxicity": "toxic",
    "failure": "insufficiency",
    "disease": "dysfunction disorder disturbance impairment abnormality abnormal dysfunctional "
    "impaired disordered illness",
    "decrease": "reduction decreased reduced fall lowering low",
    "increase": "increased elevation elevated rise high raised",
    "hypertrophy": "enlargement",
    "sign": "symptom",
    "pain": "ache",
}
_ROOTS = {
    "nephro": "kidney",
    "hepato": "liver",
    "cardio": "heart",
    "neuro": "nerve",
    "myelo": "marrow",
    "gastro": "stomach",
    "pneumo": "lung",
    "dermato": "skin",
    "ophthalmo": "eye",
    "encephalo": "brain",
    "cerebro": "brain",
    "immuno": "immune",
    "oto": "ear",
    "hemato": "blood",
    "psycho": "psychic",
    "embryo": "embryo",
}
_ENDINGS = {"toxicity": "toxicity", "toxic": "toxicity", "pathy": "disease"}


@remembered(20_000)
def canonical(name: str) -> tuple[str, ...]:
    """The words of a name, each as the one word that stands for all of its meaning, in order."""
    found: list[str] = []
    for word in words(name):
        if word not in JOINING:
            found += _meant(_american(word))
    return tuple(found)


def _american(word: str) -> str:
    """One spelling of what is spelt in two ways: oedema and edema, tumour, sulphate."""
    word = word.replace("ae", "e").replace("oe", "e").replace("ph", "f")
    return word[:-3] + "or" if word.endswith("our") and len(word) > 5 else word


_MEANT = {_american(word): head for head, alike in _ALIKE.items() for word in alike.split()}
_COMPOUNDS = {
    _american(root + ending): [head, tail]
    for root, head in _ROOTS.items()
    for ending, tail in _ENDINGS.items()
}


def _meant(word: str) -> list[str]:
    return _COMPOUNDS.get(word) or [_MEANT.get(word, word)]
