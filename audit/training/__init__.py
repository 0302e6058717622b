"""Labelled examples to a scorer, in one of two ways.

compact   trains the small encoder and the safety modules together from scratch
frozen    trains the safety modules on stored features of a frozen encoder

recipe       what decides a run               fitting     the loop
mixture      what goes into training          checkpoint  going on after a stop
prepared     sources -> columns, features     features    the store of features
splits       what is held out                 sweep       one scorer a number of clean examples
modelcard    README.md of a scorer folder     plots       its pictures

Everything is seeded, and leaves the mix and the recipe on the scorer's card.
"""

from audit.training.compact import Task, train, train_compact
from audit.training.fitting import assume
from audit.training.frozen import Trained, train_frozen
from audit.training.mixture import drawn_documents
from audit.training.prepared import Prepared, prepare
from audit.training.recipe import PRESETS, PSA_VLM, FrozenRecipe, Recipe

__all__ = [
    "PRESETS",
    "PSA_VLM",
    "FrozenRecipe",
    "Prepared",
    "Recipe",
    "Task",
    "Trained",
    "assume",
    "drawn_documents",
    "prepare",
    "train",
    "train_compact",
    "train_frozen",
]
