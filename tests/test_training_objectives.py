"""Losses, answers and figures of each kind of task, and several tasks as one loss."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, f1_score
from sklearn.utils.class_weight import compute_class_weight

torch = pytest.importorskip("torch")

from torch import Tensor, nn  # noqa: E402
from torch.nn import functional  # noqa: E402

from ossicle.classifier.activation import ACTIVATIONS  # noqa: E402
from ossicle.errors import TrainingError  # noqa: E402
from ossicle.training.combining import combined_loss, masked_losses  # noqa: E402
from ossicle.training.objectives import OBJECTIVES, objective  # noqa: E402
from ossicle.types import Task  # noqa: E402

LABELS = ("bell", "dog", "siren")
TASKS = {
    "word": Task("word", "multiclass", LABELS),
    "alarm": Task("alarm", "binary", ("alarm", "other")),
    "heard": Task("heard", "multilabel", LABELS),
    "distance": Task("distance", "regression", ()),
}
N_COLUMNS = {"word": 3, "alarm": 2, "heard": 3, "distance": 1}


def logits_of(task: str, n: int = 6) -> Tensor:
    return torch.randn(n, N_COLUMNS[task], generator=torch.Generator().manual_seed(0))


def hard(n: int = 6, n_labels: int = 3) -> Tensor:
    return functional.one_hot(torch.arange(n) % n_labels, n_labels).float()


def soft(n: int = 6, n_labels: int = 3) -> Tensor:
    return 0.7 * hard(n, n_labels) + 0.3 * hard(n, n_labels).roll(1, dims=0)


# --- labels ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("weights", [None, (1.0, 2.0, 0.5)])
def test_exclusive_labels_are_learnt_by_torchs_cross_entropy(
    smoothing: float, weights: tuple[float, ...] | None
) -> None:
    goal = objective(TASKS["word"], class_weights=weights, label_smoothing=smoothing)
    wanted = functional.cross_entropy(
        logits_of("word"),
        soft(),
        weight=None if weights is None else torch.tensor(weights),
        label_smoothing=smoothing,
        reduction="none",
    )
    torch.testing.assert_close(goal.losses(logits_of("word"), soft()), wanted)


@pytest.mark.parametrize("weights", [None, (1.0, 2.0, 0.5)])
def test_many_labels_are_learnt_by_torchs_binary_cross_entropy(
    weights: tuple[float, ...] | None,
) -> None:
    goal = objective(TASKS["heard"], class_weights=weights)
    wanted = functional.binary_cross_entropy_with_logits(
        logits_of("heard"),
        soft(),
        pos_weight=None if weights is None else torch.tensor(weights),
        reduction="none",
    )
    torch.testing.assert_close(goal.losses(logits_of("heard"), soft()), wanted.mean(dim=1))


def test_smoothing_many_labels_moves_both_ways_towards_a_half() -> None:
    smooth, plain = objective(TASKS["heard"], label_smoothing=0.2), objective(TASKS["heard"])
    logits = logits_of("heard")
    torch.testing.assert_close(
        smooth.losses(logits, hard()), plain.losses(logits, 0.8 * hard() + 0.1)
    )


@pytest.mark.parametrize("task", ["word", "heard"])
def test_focal_loss_turns_away_from_what_is_right_already(task: str) -> None:
    plain, focal = objective(TASKS[task]), objective(TASKS[task], focal=2.0)
    sure = 8.0 * (2.0 * hard() - 1.0)
    for logits, share in ((sure, 1e-5), (-sure, 0.99)):
        ratio = focal.losses(logits, hard()) / plain.losses(logits, hard())
        assert bool((ratio < share).all()) == (share < 0.5)


def test_focal_loss_of_two_labels_is_the_published_formula() -> None:
    logits = logits_of("alarm")
    targets = hard(6, 2)
    shares = (logits.softmax(dim=1) * targets).sum(dim=1)
    wanted = -((1 - shares) ** 2) * shares.log()
    losses = objective(TASKS["alarm"], focal=2.0).losses(logits, targets)
    torch.testing.assert_close(losses, wanted)


@pytest.mark.parametrize("task", list(TASKS))
def test_no_loss_is_infinite_however_wrong_the_network(task: str) -> None:
    logits = torch.full((2, N_COLUMNS[task]), 1e4)
    logits[:, 0] = -1e4
    logits.requires_grad_()
    targets = torch.zeros(2, N_COLUMNS[task])
    targets[:, 0] = 1.0
    losses = objective(TASKS[task], focal=2.0).losses(logits, targets)
    losses.sum().backward()
    assert losses.shape == (2,)
    assert bool(torch.isfinite(losses).all())
    assert bool(torch.isfinite(logits.grad).all())


def test_balanced_weights_are_scikit_learns() -> None:
    labels = np.array([0, 0, 0, 0, 1, 1, 2])
    targets = np.eye(3, dtype=np.float32)[labels]
    goal = objective(TASKS["word"], targets=targets, class_weights="balanced")
    wanted = compute_class_weight("balanced", classes=np.arange(3), y=labels)
    np.testing.assert_allclose(goal.weights, wanted)


def test_balanced_positives_weigh_as_much_as_negatives() -> None:
    targets = np.float32([[1, 0, 0], [0, 0, 1], [0, 0, 1], [0, 0, 0]])
    goal = objective(TASKS["heard"], targets=targets, class_weights="balanced")
    assert goal.weights == (3.0, 1.0, 1.0)  # nothing is known of a label that never occurs


# --- values ---------------------------------------------------------------------------------------

VALUES = np.float32([[10.0], [20.0], [40.0], [30.0]])


def test_values_are_learnt_in_deviations_of_the_training_part() -> None:
    goal = objective(TASKS["distance"], targets=VALUES)
    mean, deviation = 25.0, float(VALUES.std())
    assert goal.affine == pytest.approx((mean, deviation))
    logits, targets = torch.tensor([[0.0], [1.0]]), torch.tensor([[mean], [mean]])
    torch.testing.assert_close(goal.losses(logits, targets), torch.tensor([0.0, 0.5]))
    np.testing.assert_allclose(goal.decide(np.float32([[0.0], [2.0]])), [25.0, 25 + 2 * deviation])


def test_a_constant_value_is_learnt_without_dividing_by_nothing() -> None:
    goal = objective(TASKS["distance"], targets=np.full((3, 1), 7.0, np.float32))
    assert goal.affine == (7.0, 1.0)


def test_the_error_of_values_is_in_their_own_unit() -> None:
    goal = objective(TASKS["distance"], targets=VALUES)
    figures = goal.figures(np.zeros((4, 1), np.float32), VALUES)
    assert figures == {"mae": pytest.approx(10.0)}
    assert goal.quality({"mae": 0.0}) == 1.0


# --- answers and figures --------------------------------------------------------------------------


def test_figures_of_exclusive_labels_are_scikit_learns() -> None:
    logits, targets = logits_of("word", 40).numpy(), hard(40).numpy()
    goal = objective(TASKS["word"])
    figures, truths = goal.figures(logits, targets), targets.argmax(axis=1)
    answers = goal.decide(logits)
    assert figures["accuracy"] == pytest.approx((truths == answers).mean())
    assert figures["macro_f1"] == pytest.approx(f1_score(truths, answers, average="macro"))
    assert goal.quality(figures) == figures["accuracy"]


def test_figures_of_many_labels_are_scikit_learns() -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(40, 3)).astype(np.float32)
    targets = (rng.random((40, 3)) < 0.4).astype(np.float32)
    goal = objective(TASKS["heard"])
    figures, answers = goal.figures(logits, targets), goal.decide(logits)
    assert figures == {
        "micro_f1": pytest.approx(f1_score(targets, answers, average="micro")),
        "macro_f1": pytest.approx(f1_score(targets, answers, average="macro")),
        "mean_average_precision": pytest.approx(average_precision_score(targets, logits)),
    }


@pytest.mark.parametrize("task", list(TASKS))
def test_figures_of_no_clip_are_not_a_number(task: str) -> None:
    nothing = np.zeros((0, N_COLUMNS[task]), np.float32)
    figures = objective(TASKS[task]).figures(nothing, nothing)
    assert all(np.isnan(value) for value in figures.values())


def test_every_kind_of_task_has_an_objective_with_a_known_activation() -> None:
    assert {task.kind for task in TASKS.values()} == set(OBJECTIVES)
    assert {kind.activation for kind in OBJECTIVES.values()} <= set(ACTIVATIONS)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"label_smoothing": 1.0}, "label_smoothing is 1.0"),
        ({"focal": -1.0}, "focal is -1.0"),
        ({"class_weights": "balance"}, "class_weights is 'balance'; allowed are 'balanced'"),
        ({"class_weights": "balanced"}, "no training clip answers task 'word'"),
        ({"class_weights": (1.0, 2.0)}, "one number of 0 or more a label, 3 in all"),
        ({"class_weights": (0.0, 0.0, 0.0)}, "one number of 0 or more"),
        ({"class_weights": (1.0, -2.0, 1.0)}, "one number of 0 or more"),
    ],
)
def test_a_setting_out_of_range_is_named(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(TrainingError, match=said):
        objective(TASKS["word"], **settings)


# --- several tasks --------------------------------------------------------------------------------


def batch(mask: Mapping[str, list[bool]]) -> tuple[dict[str, Tensor], Any]:
    """Logits that need gradients, and what `masked_losses` takes."""
    n = len(next(iter(mask.values())))
    logits = {task: logits_of(task, n).requires_grad_() for task in TASKS}
    targets = {task: torch.rand(n, width) for task, width in N_COLUMNS.items()}
    objectives = {task: objective(TASKS[task]) for task in TASKS}
    masks = {task: torch.tensor(answered) for task, answered in mask.items()}
    return logits, (objectives, list(logits.values()), targets, masks)


def test_a_clip_without_an_answer_changes_no_loss_and_gets_no_gradient() -> None:
    logits, arguments = batch({task: [True, False, True] for task in TASKS})
    losses = masked_losses(*arguments)
    combined_loss("sum", list(TASKS.values()))(losses).backward()
    for task, loss in losses.items():
        assert not logits[task].grad[1].any()
        assert logits[task].grad[[0, 2]].any(dim=1).all()
        per_clip = arguments[0][task].losses(logits[task], arguments[2][task])
        torch.testing.assert_close(loss, per_clip[[0, 2]].mean())


def test_a_masked_clip_may_hold_anything() -> None:
    _, arguments = batch({task: [True, False] for task in TASKS})
    for target in arguments[2].values():
        target[1] = float("nan")
    assert all(torch.isfinite(loss) for loss in masked_losses(*arguments).values())


@pytest.mark.parametrize("how", ["sum", "uncertainty", {"word": 2.0}])
def test_a_task_that_no_clip_answers_contributes_nothing(how: Any) -> None:
    tasks = list(TASKS.values())
    _, arguments = batch({task: [task == "word"] * 2 for task in TASKS})
    losses = masked_losses(*arguments)
    assert set(losses) == {"word"}
    combination = combined_loss(how, tasks)
    total = combination(losses)
    torch.testing.assert_close(total, losses["word"] * (2.0 if how == {"word": 2.0} else 1.0))
    total.backward()
    touched = [weight for weight in combination.parameters() if weight.grad is not None]
    assert len(touched) == (how == "uncertainty")


@pytest.mark.parametrize("how", ["sum", "uncertainty"])
def test_a_batch_that_answers_nothing_gives_a_plain_zero(how: str) -> None:
    _, arguments = batch({task: [False, False] for task in TASKS})
    total = combined_loss(how, list(TASKS.values()))(masked_losses(*arguments))
    assert total.item() == 0.0
    assert not total.requires_grad


def test_learned_weights_settle_where_the_variance_is_twice_the_loss() -> None:
    """The minimum of exp(-s) L + s / 2 lies at exp(s) = 2 L."""
    tasks = [TASKS["word"], TASKS["alarm"]]
    combination = combined_loss("uncertainty", tasks)
    moves = torch.optim.SGD(combination.parameters(), lr=0.5)
    losses = {"word": torch.tensor(2.0), "alarm": torch.tensor(0.1)}
    for _ in range(300):
        moves.zero_grad()
        combination(losses).backward()
        moves.step()
    variances = [weight.exp().item() for weight in combination.parameters()]
    assert variances == pytest.approx([4.0, 0.2], rel=1e-3)


def test_learned_weights_survive_in_the_state() -> None:
    combination = combined_loss("uncertainty", list(TASKS.values()))
    nn.init.normal_(next(combination.parameters()))
    other = combined_loss("uncertainty", list(TASKS.values()))
    other.load_state_dict(combination.state_dict())
    losses = {task: torch.tensor(1.0) for task in TASKS}
    assert torch.equal(other(losses), combination(losses))


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("summ", "combine is 'summ'; did you mean 'sum'"),
        ({"wrod": 1.0}, "combine names no task 'wrod'; did you mean 'word'"),
        ({"word": -1.0}, "combine gives 'word' weight -1.0"),
        (dict.fromkeys(TASKS, 0.0), "combine gives every task weight 0"),
    ],
)
def test_an_unknown_combination_is_named(how: Any, said: str) -> None:
    with pytest.raises(TrainingError, match=said):
        combined_loss(how, list(TASKS.values()))
