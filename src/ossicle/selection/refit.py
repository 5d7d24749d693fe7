"""From a configuration to a classifier: trained on everything, calibrated on what was left out."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ossicle.classifier import Classifier, Decision
from ossicle.evaluation.calibration import fit_temperature
from ossicle.features import Scaler
from ossicle.models.model import Targets
from ossicle.selection.grid import Configuration
from ossicle.selection.leave_k_out import Fold, jobs_of, one_thread, out_of_fold_logits
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
    task = material.task
    rows = material.rows(configuration.front_end, configuration.integration)
    matrix, targets = np.asarray(rows.matrix), material.targets[rows.clip_index]
    scaler = Scaler.fit(matrix)
    with one_thread():
        fitted = configuration.model.fit(scaler(matrix), targets, n_labels=len(task.labels))
        logits, truth = _left_out(configuration, material, folds)
    return Classifier(
        tasks=(task,),
        front_end=configuration.front_end,
        integration=configuration.integration,
        scaler=scaler,
        network=fitted.onnx(task.name),
        window=material.window,
        window_hop=material.window_hop,
        activation={task.name: "softmax"},
        temperature={task.name: fit_temperature(logits, truth)},
        decision=Decision(),
        metrics=dict(metrics),
        provenance={**provenance, "configuration": configuration.describe()},
    )


def _left_out(
    configuration: Configuration, material: Material, folds: Sequence[Fold]
) -> tuple[NDArray[np.float64], Targets]:
    """Logits and labels of every test row of every fold."""
    jobs = [job for job in jobs_of([configuration], folds, material) if len(job.test)]
    logits = [out_of_fold_logits(job)[0] for job in jobs]
    truth = [job.targets[job.test] for job in jobs]
    return np.concatenate(logits), np.concatenate(truth)
