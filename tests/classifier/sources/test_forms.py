"""One network, given in each way there is, is judged as the same."""

import numpy as np
import pytest
import torch

from ct_importance.classifier.classifier import Classifier
from ct_importance.classifier.forward.onnx_runtime import OnnxForward
from ct_importance.classifier.networks.folding import fold_batch_norm
from ct_importance.classifier.resnet import ResNet50
from ct_importance.classifier.sources.architecture import Architecture
from ct_importance.classifier.sources.bundle import Bundle
from ct_importance.classifier.sources.factory import Factory
from ct_importance.classifier.sources.program import Program
from ct_importance.cohort.options import ExtractionOptions
from ct_importance.saliency.differentiating import ExplainedScores
from ct_importance.saliency.gradients import input_gradient
from ct_importance.saliency.operations.relus import change_relus
from tests.classifier.networks.files import write_bundle

SMALL = ExtractionOptions(image_size=32)
PAPER = {"spatial_dims": 2, "n_input_channels": 1, "num_classes": 1}
PAPER |= {"conv1_t_stride": 2, "bias_downsample": False}
"""MONAI's ResNet-50 as the paper's."""


@pytest.fixture(scope="module")
def forms(tmp_path_factory):
    """The paper's ResNet-50 by name, as a bundle, from a function and as a program."""
    folder = tmp_path_factory.mktemp("forms")
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = ResNet50().eval()
    write_bundle(
        *(folder / "theirs", network, {"network_def": {"_target_": "resnet50", **PAPER}}),
        **{"pred_num_channels": 1, "pred_channel_def": {"0": "contrast"}},
    )
    code = (
        f"from monai.networks import nets\n\n\ndef build():\n    return nets.resnet50(**{PAPER})\n"
    )
    (folder / "net.py").write_text(code)
    any_number = ({0: torch.export.Dim("n")},)
    images = torch.zeros(2, 1, 32, 32)
    program = torch.export.export(network, (images,), dynamic_shapes=any_number)
    torch.export.save(program, folder / "net.pt2")
    weights = f"{folder}/theirs/models/model.pt"
    return {
        "architecture": Architecture(architecture="resnet50", weights=weights),
        "bundle": Bundle(bundle=f"{folder}/theirs"),
        "factory": Factory(factory=f"{folder}/net.py:build", weights=weights),
        "program": Program(program=f"{folder}/net.pt2"),
    }


def deconvolve(scores):
    assert change_relus(scores, lambda before, behind: behind.relu()) == 49


@pytest.fixture(scope="module")
def found(forms, tmp_path_factory):
    """What jobs compute with each form: logits, maps, and answers of its graph."""
    file = tmp_path_factory.mktemp("found") / "classifier.pt"
    images = torch.rand(2, 1, 32, 32, generator=torch.Generator().manual_seed(0))
    targets = torch.tensor([0, 1])

    def compute(form):
        form.check(SMALL)
        form.take_over(SMALL, file)
        network = form.load(file).network
        scores = ExplainedScores(Classifier(fold_batch_norm(network)))
        gradient = input_gradient(scores, images, targets)
        deconvolution = input_gradient(scores, images, targets, deconvolve)
        graph = OnnxForward(form.graph(file, 32), 1)
        answers = graph.outputs(images[:, 0].numpy())
        return {
            "logits": network(images).numpy(),
            "gradient": gradient.numpy(),
            "deconvolution": deconvolution.numpy(),
            "graph": answers,
        }

    return {name: compute(form) for name, form in forms.items()}


@pytest.mark.parametrize("form", ["bundle", "factory"])
def test_modules_of_other_code_give_the_same_bits(found, form):
    for name, values in found["architecture"].items():
        np.testing.assert_array_equal(found[form][name], values, err_msg=name)


def test_a_program_gives_the_same_answers_and_nearly_the_same_maps(found):
    """Its normalisation is not folded, so that its gradients are rounded differently."""
    for name in ("logits", "graph"):
        np.testing.assert_array_equal(found["program"][name], found["architecture"][name])
    for name in ("gradient", "deconvolution"):
        expected = found["architecture"][name]
        largest = np.abs(expected).max()
        np.testing.assert_allclose(found["program"][name], expected, rtol=0, atol=1e-4 * largest)
