"""Training of the classifier."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from ct_importance.classifier.augmentation import augment
from ct_importance.classifier.forward.answers import balanced_accuracy, predicted_classes
from ct_importance.classifier.forward.runtime import as_scores
from ct_importance.classifier.forward.torch_runtime import TorchForward
from ct_importance.classifier.options import TrainingOptions
from ct_importance.classifier.resnet import ResNet50
from ct_importance.classifier.source import Head
from ct_importance.compute.device import channels_last
from ct_importance.compute.progress import progress
from ct_importance.compute.randomness import seed_for
from ct_importance.errors import InputError

logger = logging.getLogger(__name__)

Slices = tuple[np.ndarray, np.ndarray]
Epoch = dict[str, float | None]


def train_classifier(
    images: np.ndarray,
    labels: np.ndarray,
    options: TrainingOptions,
    seed: int,
    device: torch.device,
    test: Slices | None = None,
    build: Callable[[], nn.Module] = ResNet50,
    classes: int = 2,
    head: Head | None = None,
) -> tuple[nn.Module, list[Epoch]]:
    """Train a network from scratch with AdamW and a one-cycle learning rate.

    The same arguments give the same weights after `device.make_deterministic`. The weights
    are those after the last epoch: the test slices choose nothing.

    Args:
        images: Training slices (N, H, W), float32 in [0, 1].
        labels: (N,), the index of the class of each.
        options: Epochs, batch size, learning rate, augmentation.
        seed: Seed of the initial weights, the order of the slices and the augmentation.
        device: Where to train.
        test: Images and labels of other patients, to be evaluated along the way.
        build: Makes the network, with torch's random numbers: (N, 1, H, W) to outputs (N, O).
        classes: How many there are.
        head: How the outputs are read (`ct_importance.classifier.source.Source.head`), which
            decides the loss: binary cross-entropy of one logit, or of each output of `multilabel`
            (that of the slice's class should be above 0, the others below), else cross-entropy of
            softmax.

    Returns:
        The network in eval mode, and a row per epoch: ``epoch`` (from 1), ``learning_rate`` (after
        its last step), ``loss`` and ``balanced_accuracy`` on the augmented training slices as they
        were seen, ``test_loss`` and ``test_balanced_accuracy`` (None where not evaluated).

    Raises:
        InputError: If there are no slices, or none of a class.
    """
    trainer = _Trainer(labels, options, seed, device, build, classes, head)
    history: list[Epoch] = []
    for epoch in progress(range(1, options.epochs + 1), "training: epochs"):
        row: Epoch = {"epoch": epoch, **trainer.run_epoch(images, labels)}
        due = _is_due(epoch, options)
        if due:
            trainer.settle_batch_norm(images)
        row |= _evaluate(trainer.network, test if due else None, device, head)
        logger.info(_line(row, options.epochs))
        history.append(row)
    return trainer.network.eval(), history


def class_weights(labels: np.ndarray, classes: int = 2) -> np.ndarray:
    """Return the weight of a slice of each class, so that all classes count the same.

    Args:
        labels: (N,), the index of the class of each slice.
        classes: How many there are.

    Returns:
        A weight per class; their mean over the slices is 1.

    Raises:
        InputError: If there are no slices, or none of a class.

    Example:
        >>> class_weights(np.array([0, 1, 1, 1])).round(2).tolist()
        [2.0, 0.67]
    """
    counts = np.bincount(np.asarray(labels, dtype=np.int64), minlength=classes)
    if not counts.all():
        found = (
            f"{counts[0]} of the first class and {counts[1]} of the second; training needs both"
            if classes == 2
            else f"{', '.join(map(str, counts))} of the {classes} classes; training needs all"
        )
        raise InputError(
            f"training slices: {found}. Check the labels and the split, or give `weights` of the "
            "classifier"
        )
    return len(labels) / (classes * counts)


def batch_slices(count: int, batch_size: int) -> list[slice]:
    """Return the batches of an epoch; a last batch of one goes into the one before it.

    BatchNorm cannot normalise a batch of one, and no slice may be left out.

    Example:
        >>> batch_slices(7, 3)
        [slice(0, 3, None), slice(3, 7, None)]
    """
    starts = list(range(0, count, batch_size))
    if len(starts) > 1 and count - starts[-1] == 1:
        starts.pop()
    return [slice(a, b) for a, b in zip(starts, [*starts[1:], count], strict=True)]


class _Trainer:
    """The network with all that changes while it learns."""

    def __init__(
        self,
        labels: np.ndarray,
        options: TrainingOptions,
        seed: int,
        device: torch.device,
        build: Callable[[], nn.Module],
        classes: int,
        head: Head | None,
    ) -> None:
        self._weights = class_weights(labels, classes).astype(np.float32)
        self._options, self._device, self._head = options, device, head
        self._generator = torch.Generator().manual_seed(seed_for(seed, "training"))
        self._seed, self._steps = seed, 0
        with self._drawing("initial weights"):
            self.network = channels_last(build().to(device))
        self._optimizer = torch.optim.AdamW(
            self.network.parameters(), lr=options.learning_rate, weight_decay=options.weight_decay
        )
        steps = options.epochs * len(batch_slices(len(labels), options.batch_size))
        self._scheduler = torch.optim.lr_scheduler.OneCycleLR(
            self._optimizer, max_lr=options.learning_rate, total_steps=steps
        )

    @contextmanager
    def _drawing(self, *what: str) -> Iterator[None]:
        """Give the network, which may drop out, random numbers of its own while it computes."""
        devices = [self._device] if self._device.type == "cuda" else []
        with torch.random.fork_rng(devices):
            torch.manual_seed(seed_for(self._seed, *what))
            yield

    def run_epoch(self, images: np.ndarray, labels: np.ndarray) -> dict[str, float]:
        """Show every slice once, in a new order."""
        self.network.train()
        order = torch.randperm(len(images), generator=self._generator).numpy()
        losses, outputs = [], []
        for batch in batch_slices(len(images), self._options.batch_size):
            loss, output = self._step(images[order[batch]], labels[order[batch]])
            losses.append(loss * len(output))
            outputs.append(output)
        return {
            "learning_rate": float(self._scheduler.get_last_lr()[0]),
            "loss": sum(losses) / len(images),
            "balanced_accuracy": _accuracy(np.concatenate(outputs), labels[order]),
        }

    @torch.no_grad()
    def settle_batch_norm(self, images: np.ndarray) -> None:
        """Set the BatchNorm statistics used in eval mode to those of the training slices.

        Their running averages lag behind the weights for some hundred steps, which a small cohort
        does not have: the network then fits the training slices and yet answers all alike in eval
        mode. Nothing random is drawn from the stream of the training, so that evaluating more
        often changes no weights.
        """
        layers = [layer for layer in self.network.modules() if isinstance(layer, nn.BatchNorm2d)]
        momenta = [layer.momentum for layer in layers]
        for layer in layers:
            layer.reset_running_stats()
            layer.momentum = None  # the plain mean over the batches that follow
        self.network.train()
        order = torch.randperm(len(images), generator=torch.Generator().manual_seed(0)).numpy()
        for batch in batch_slices(len(images), self._options.batch_size):
            with self._drawing("batch norm"):
                self.network(self._to_device(images[order[batch]]))
        for layer, momentum in zip(layers, momenta, strict=True):
            layer.momentum = momentum

    def _to_device(self, images: np.ndarray) -> torch.Tensor:
        x = torch.from_numpy(images).unsqueeze(1).to(self._device)
        return x.contiguous(memory_format=torch.channels_last)

    def _step(self, images: np.ndarray, labels: np.ndarray) -> tuple[float, np.ndarray]:
        x = augment(self._to_device(images), self._options.augmentation, self._generator)
        with self._drawing("step", str(self._steps)):
            output = self.network(x.contiguous(memory_format=torch.channels_last))
        self._steps += 1
        loss = _loss(output, labels, self._weights, self._head)
        self._optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self._optimizer.step()
        self._scheduler.step()
        return loss.item(), output.detach().cpu().numpy()


def _loss(
    outputs: torch.Tensor, labels: np.ndarray, weights: np.ndarray, head: Head | None
) -> torch.Tensor:
    """Return the mean loss of slices, which their classes' weights are factors of."""
    weight = torch.as_tensor(weights[labels], device=outputs.device)
    if outputs.shape[1] == 1:
        logits = outputs.squeeze(1)
        target = torch.as_tensor(labels, dtype=logits.dtype, device=logits.device)
        return F.binary_cross_entropy_with_logits(logits, target, weight=weight)
    return (_losses(outputs, labels, head) * weight).mean()


def _losses(outputs: torch.Tensor, labels: np.ndarray, head: Head | None) -> torch.Tensor:
    """Return the loss of each slice, (N,), of outputs (N, O)."""
    target = torch.as_tensor(labels, dtype=torch.int64, device=outputs.device)
    if outputs.shape[1] == 1:
        wanted = target[:, None].to(outputs.dtype)
    elif head == "multilabel":
        wanted = F.one_hot(target, outputs.shape[1]).to(outputs.dtype)
    else:
        return F.cross_entropy(outputs, target, reduction="none")
    return F.binary_cross_entropy_with_logits(outputs, wanted, reduction="none").sum(dim=1)


def _accuracy(outputs: np.ndarray, labels: np.ndarray) -> float:
    """Return the balanced accuracy, of outputs (N, O)."""
    scores = as_scores(outputs)
    return balanced_accuracy(predicted_classes(scores), labels, scores.shape[1])


def _is_due(epoch: int, options: TrainingOptions) -> bool:
    every = options.test_every
    return epoch == options.epochs or (every > 0 and epoch % every == 0)


def _evaluate(
    network: nn.Module, test: Slices | None, device: torch.device, head: Head | None
) -> Epoch:
    if test is None or not len(test[1]):
        return {"test_loss": None, "test_balanced_accuracy": None}
    images, labels = test
    outputs = TorchForward(network.eval(), device).outputs(images)
    losses = _losses(torch.from_numpy(outputs), labels, head).numpy()
    # All classes count the same, as in the loss of the training slices.
    by_class = [losses[labels == value].mean() for value in np.unique(labels)]
    return {
        "test_loss": float(np.mean(by_class)),
        "test_balanced_accuracy": _accuracy(outputs, labels),
    }


def _line(row: Epoch, epochs: int) -> str:
    text = (
        f"epoch {row['epoch']} of {epochs}: loss {row['loss']:.3f}, "
        f"balanced accuracy {row['balanced_accuracy']:.3f}"
    )
    if row["test_loss"] is None:
        return text
    return (
        f"{text}; test slices: loss {row['test_loss']:.3f}, "
        f"balanced accuracy {row['test_balanced_accuracy']:.3f}"
    )
