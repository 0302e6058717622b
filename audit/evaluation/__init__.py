"""How good a scorer is: measured on labelled pictures, calibrated, and turned into thresholds.

judged        labelled examples -> scores beside labels
measures      scores beside labels -> figures, for one weighting of the examples or for many
intervals     what is uncertain about a figure: bootstrap over groups, exact binomial
style         what size, compression and colour alone would score on the same examples
evaluating    all of these -> one report, a plain mapping
report        the report -> JSON, Markdown, one HTML file; see page and plots
calibration   held-out labels -> temperatures and Platt scaling for the card
thresholds    held-out labels or decisions -> precision, recall and cost along a threshold
policyfile    thresholds -> a policy file
"""

from audit.evaluation.evaluating import evaluate, metrics, record, separation
from audit.evaluation.judged import FLAGGED, Judged, from_drawings, judge
from audit.evaluation.measures import auroc

__all__ = [
    "FLAGGED",
    "Judged",
    "auroc",
    "evaluate",
    "from_drawings",
    "judge",
    "metrics",
    "record",
    "separation",
]
