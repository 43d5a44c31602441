import numpy as np
import pytest
import torch
from torch import nn

from ct_importance.classifier.jobs import RandomisationJob
from ct_importance.classifier.networks.randomised import randomise, randomise_classifier
from ct_importance.classifier.sources.architecture import Architecture
from ct_importance.classifier.sources.program import Program
from ct_importance.classifier.store import save_classifier, save_weights
from ct_importance.cohort.options import ExtractionOptions
from ct_importance.errors import InputError
from ct_importance.plugins import entry_of
from tests.classifier.networks.exported.programs import SIZE, small, write_program


def trained(width=64):
    """Three layers with weights that no initialisation gives."""
    network = nn.Sequential(nn.Linear(8, width), nn.BatchNorm1d(width), nn.Linear(width, 1)).eval()
    with torch.no_grad():
        for values in network.state_dict().values():
            values.fill_(7)
    return network


def changed(network):
    """The tensors that are no longer as `trained` has them."""
    return [name for name, values in network.state_dict().items() if not bool((values == 7).all())]


def test_layers_are_forgotten_from_the_output_side():
    network = trained()
    assert randomise(network, 1 / 3, seed=0) == ["2"]
    assert changed(network) == ["2.weight", "2.bias"]

    network = trained()
    assert randomise(network, 0.5, seed=0) == ["2", "1"]
    statistics = ["running_mean", "running_var", "num_batches_tracked"]
    assert changed(network) == [
        *("1.weight", "1.bias", *(f"1.{name}" for name in statistics), "2.weight", "2.bias")
    ]
    assert network[1].running_var.eq(1).all()


def test_a_layer_is_initialised_as_its_class_does_it():
    network = trained(width=4000)
    randomise(network, 1, seed=0)
    bound = 8**-0.5  # of nn.Linear(8, ...): uniform between +-1 / sqrt(8)
    weights = network[0].weight.flatten()
    assert float(weights.abs().max()) <= bound
    assert float(weights.std()) == pytest.approx(bound / 3**0.5, rel=0.02)


def test_what_says_not_how_it_is_initialised_keeps_mean_and_spread():
    class Scale(nn.Module):
        def __init__(self):
            super().__init__()
            self.factor = nn.Parameter(torch.linspace(4, 6, 10_000))

    network = Scale()
    before = network.factor.detach().clone()
    randomise(network, 1, seed=0)
    after = network.factor.detach()
    assert float(after.mean()) == pytest.approx(float(before.mean()), abs=0.02)
    assert float(after.std()) == pytest.approx(float(before.std()), rel=0.03)
    assert abs(np.corrcoef(before, after)[0, 1]) < 0.05


def test_more_layers_forget_what_fewer_do_and_the_seed_decides_the_rest():
    some, every, again, other = trained(), trained(), trained(), trained()
    randomise(some, 0.3, seed=0)
    for network, seed in ((every, 0), (again, 0), (other, 1)):
        torch.rand(3)  # what else is drawn counts for nothing
        randomise(network, 1, seed)
    assert torch.equal(some[2].weight, every[2].weight)
    assert torch.equal(every[0].weight, again[0].weight)
    assert not torch.equal(every[0].weight, other[0].weight)


def test_the_generators_of_others_are_left_as_they_were():
    torch.manual_seed(5)
    expected = torch.rand(2)
    network = trained()
    torch.manual_seed(5)
    randomise(network, 1, seed=0)
    assert torch.equal(torch.rand(2), expected)


def job_of(source, **options):
    return RandomisationJob(**entry_of("mine", source), **{"layers": 1.0, "seed": 0, **options})


def test_the_file_is_loaded_like_that_of_the_classifier(network, tmp_path):
    source = Architecture(architecture="resnet50", classes=2)
    before, after, again = (tmp_path / f"{name}.pt" for name in ("before", "after", "again"))
    save_classifier(before, network, 64, (-200, 400))

    randomise_classifier(job_of(source, layers=0.01), before, after)
    randomise_classifier(job_of(source, layers=0.01), before, again)

    assert after.read_bytes() == again.read_bytes()
    trained, forgetful = (source.load(path).network.state_dict() for path in (before, after))
    differ = [name for name in trained if not torch.equal(trained[name], forgetful[name])]
    assert differ[-2:] == ["fc.weight", "fc.bias"]
    assert all(name.startswith(("fc.", "layer4.2.")) for name in differ)


@pytest.mark.parametrize("keys", [{}, {"normalize": {"mean": 0.5, "std": 0.25}}])
def test_a_program_forgets_its_tensors(tmp_path, keys):
    images = torch.rand(2, 1, SIZE, SIZE)
    made = small().eval().requires_grad_(False)
    source = Program(program=str(write_program(tmp_path / "net.pt2", made, images)), **keys)
    before, after = tmp_path / "before.pt", tmp_path / "after.pt"
    source.take_over(ExtractionOptions(image_size=SIZE), before)

    randomise_classifier(job_of(source), before, after)

    trained, forgetful = (source.load(path).network for path in (before, after))
    assert not torch.allclose(trained(images), forgetful(images))
    assert torch.isfinite(forgetful(images)).all()


def test_a_file_of_another_kind_is_refused_in_one_line(network, tmp_path):
    source = Architecture(architecture="resnet50", classes=2)
    file = tmp_path / "classifier.pt"
    save_classifier(file, network, 64, (-200, 400))
    with pytest.raises(InputError, match=r"^[^\n]*nothing\.pt: no such file[^\n]*$"):
        randomise_classifier(job_of(source), tmp_path / "nothing.pt", tmp_path / "after.pt")
    content = torch.load(file)
    for other in ({"weights": 3}, content | {"state_dict": {"fc.bias": torch.zeros(1)}}):
        torch.save(other, file)
        with pytest.raises(InputError, match=r"^[^\n]* is no file of this workflow [^\n]*$"):
            save_weights(tmp_path / "after.pt", network, like=file)
