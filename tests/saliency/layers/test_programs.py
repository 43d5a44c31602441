"""An exported program has layers, too: its operations."""

import pytest
import torch

from ct_importance.classifier.classifier import Classifier
from ct_importance.classifier.networks.exported.graph import build
from ct_importance.classifier.networks.exported.program import numbers_of, read_program
from ct_importance.plugins import load
from ct_importance.saliency.explain import importance_of
from ct_importance.saliency.layers.names import default_layer
from ct_importance.saliency.layers.programs import with_layers
from tests.saliency.networks import batch_of, conv_network, small_vit


def program_of(network, file):
    any_number = ({0: torch.export.Dim("n")},)
    exported = torch.export.export(
        network, (torch.zeros(2, 1, 64, 64),), dynamic_shapes=any_number, strict=False
    )
    torch.export.save(exported, file)
    read = read_program(file)
    return build(read.graph, list(numbers_of(file, read.tensors).values()), "it")


@pytest.mark.parametrize(
    ("network", "start", "layer"), [(conv_network, "relu", "5"), (small_vit, "layer_norm", None)]
)
def test_the_default_layer_and_maps_are_those_of_the_modules(network, start, layer, tmp_path):
    program = with_layers(Classifier(program_of(network(), tmp_path / "net.pt2")))
    images = torch.rand(2, 1, 64, 64, generator=torch.Generator().manual_seed(1))

    def maps(classifier, **options):
        estimator = load("estimator", "grad_cam")(relu=False, **options)
        ids = {"name": "it", "seed": 0, "slice_ids": ["a", "b"], "images_per_pass": 2}
        batch = batch_of(estimator, classifier, images, torch.tensor([0, 1]), **ids)
        return importance_of(estimator, batch)

    found = default_layer(program, (1, 64, 64))
    assert found.startswith(start)
    expected = maps(Classifier(network()))
    torch.testing.assert_close(maps(program), expected, rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(maps(program, layer=found), expected, rtol=1e-4, atol=1e-6)
    assert expected.std() > 0


def test_other_networks_stay_as_they_are():
    network = conv_network()
    assert with_layers(Classifier(network)).network is network
