"""The PSA-VLM safety modules: safety projector, safety tokens, safety head."""

from audit.safety.folded import FoldedSafetyModule
from audit.safety.head import HeadDims
from audit.safety.module import SafetyDims, SafetyModule, SafetyOutput
from audit.safety.projector import ProjectorDims
from audit.safety.reference import load_reference, to_reference

__all__ = [
    "FoldedSafetyModule",
    "HeadDims",
    "ProjectorDims",
    "SafetyDims",
    "SafetyModule",
    "SafetyOutput",
    "load_reference",
    "to_reference",
]
