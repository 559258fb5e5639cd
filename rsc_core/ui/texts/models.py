"""What is said of models: the list, and the card of the chosen one."""

MODEL = "Model"
LOADING = "Models are being loaded; this takes a few seconds after a start."
NO_MODEL = (
    "There is no model in the folder {folder}. Train one, then start the page again (SPRSOUND is the corpus's folder):"
)
TRAIN_COMMAND = "python train.py full --corpus sprsound --data SPRSOUND --out {folder}/sprsound-base --backbone small"
TRAINABLE = "{count:,} of {all:,} parameters ({share:.1%})"
FACTS = {
    "trainable": "Trainable",
    "score": "Score",
    "corpus": "Corpus",
    "elsewhere": "Elsewhere",
    "protocol": "Protocol",
    "origin": "Origin",
}
SCORE = (
    "<b>{score:.1f}</b> ({low:.1f} to {high:.1f}, 95 % of patient bootstraps); specificity {specificity:.1f}, "
    "sensitivity {sensitivity:.1f}."
)
ELSEWHERE = "{score:.1f} on {corpus}"
NOT_EVALUATED = "not evaluated"
BASE = (
    "The base had seen the same four labels, so this comparison says little about how the tunings compare on a model "
    "that learned from general sound."
)
BETTER = "On the same clips {name} scores higher: {score:.1f}."
TRIVIAL = "Always saying 'normal' scores 50."
