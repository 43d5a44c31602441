"""Peak memory of a process; run with an estimator and a size, that of computing its map."""

from __future__ import annotations

import re
import sys
from pathlib import Path


def peak_memory() -> int:
    """Return the most memory this process has held, in MB (10^6 bytes).

    Linux only. `resource.getrusage` would tell that of the process that started it, if larger.
    """
    status = Path("/proc/self/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) * 1024 // 10**6


def main(method: str, size: int) -> None:
    """Compute one map as a job on the CPU does, and print the peak memory."""
    import torch

    from ct_importance.classifier.classifier import Classifier
    from ct_importance.classifier.networks.folding import fold_batch_norm
    from ct_importance.classifier.resnet import ResNet50
    from ct_importance.compute.batch_size import images_per_pass
    from ct_importance.compute.device import make_deterministic
    from ct_importance.plugins import load
    from ct_importance.saliency.differentiating import ExplainedScores
    from ct_importance.saliency.estimator import Batch
    from ct_importance.saliency.explain import importance_of

    make_deterministic(threads=1)
    network = fold_batch_norm(ResNet50().eval())
    batch = Batch(
        name=method,
        seed=0,
        slice_ids=["slice"],
        images=torch.rand(1, 1, size, size),
        targets=torch.ones(1, dtype=torch.int64),
        scores=ExplainedScores(Classifier(network)),
        images_per_pass=images_per_pass("cpu", size, size),
    )
    importance_of(load("estimator", method)(), batch)
    print(peak_memory())


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
