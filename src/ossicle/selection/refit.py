"""From a configuration to a classifier: trained on everything, calibrated on what was left out."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ossicle.classifier import Classifier
from ossicle.selection.assembly import assemble
from ossicle.selection.grid import Configuration
from ossicle.selection.job import Fold, jobs_of
from ossicle.selection.leave_k_out import one_thread, out_of_fold_logits
from ossicle.selection.material import Material

__all__ = ["refit"]


def refit(
    configuration: Configuration,
    material: Material,
    folds: Sequence[Fold],
    *,
    metrics: Mapping[str, Any],
    provenance: Mapping[str, Any],
) -> Classifier:
    """Train one configuration on all rows.

    The temperature of the scores is fitted on the logits of the folds' test rows, which the
    model answering them has not seen.

    Raises
    ------
    ModelError
        If a label has no row that could be read.
    """
    question = material.question
    *left_out, everything = jobs_of([configuration], folds, material)
    with one_thread():
        scaler, matrix, _ = everything.scaled()
        fitted = question.fit(configuration.model, matrix, everything.truth[everything.train])
        logits = np.concatenate([out_of_fold_logits(job)[0] for job in left_out])
    truth = np.concatenate([job.truth[job.test] for job in left_out])
    return assemble(
        configuration,
        question,
        fitted,
        scaler,
        window=material.window,
        window_hop=material.window_hop,
        temperature=question.temperature(logits, truth),
        metrics=metrics,
        provenance=provenance,
    )
