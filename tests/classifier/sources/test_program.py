import subprocess
import sys
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from ct_importance.classifier.forward.onnx_runtime import OnnxForward
from ct_importance.classifier.networks.by_name import build
from ct_importance.classifier.networks.exported.graph import FUNCTIONS
from ct_importance.classifier.networks.folding import fold_batch_norm
from ct_importance.classifier.sources.program import Program
from ct_importance.cohort.options import ExtractionOptions
from ct_importance.compute.device import channels_last
from ct_importance.errors import InputError
from tests.classifier.networks.exported.programs import SIZE, small, write_program
from tests.classifier.networks.functions import Of, mean

PROJECT = Path(__file__).parents[3]
SLICES = ExtractionOptions(image_size=SIZE)


def taken_over(file, preparation=SLICES, **keys):
    source = Program(program=str(file), **keys)
    classifier = file.parent / "classifier.pt"
    source.check(preparation)
    source.take_over(preparation, classifier)
    file.unlink()  # it is not needed any more
    return source.load(classifier)


def vit(size):
    pytest.importorskip("monai")
    arguments = {"img_size": [size, size], "patch_size": [16, 16], "hidden_size": 24}
    return build("monai.ViT", arguments | {"mlp_dim": 32, "num_layers": 2, "num_heads": 3})


@pytest.mark.parametrize("name", ["small", "resnet50", "monai.ViT"])
def test_programs_answer_and_are_differentiated_as_modules_are(name, tmp_path, request):
    size = 64 if name == "resnet50" else SIZE
    made = {"small": small, "monai.ViT": lambda: vit(size)}
    network = made[name]() if name in made else request.getfixturevalue("network")
    network = network.eval().requires_grad_(False)
    images = torch.rand(3, 1, size, size, generator=torch.Generator().manual_seed(1))

    file = write_program(tmp_path / "net.pt2", network, images[:2])
    found = taken_over(file, ExtractionOptions(image_size=size)).network

    torch.testing.assert_close(found(images), network(images), rtol=1e-5, atol=1e-5)
    assert not any(it.requires_grad for it in (*found.parameters(), *found.buffers()))
    assert found.train().eval() is found
    gradients = []
    for it in (found, network):
        x = images.clone().requires_grad_()
        gradients.append(torch.autograd.grad(it(x).sum(), x)[0])
    torch.testing.assert_close(*gradients, rtol=1e-3, atol=1e-4 * float(gradients[1].abs().max()))


@pytest.mark.parametrize("made", [small, lambda: vit(SIZE)])
def test_the_graph_of_onnx_takes_any_number_of_images(made, tmp_path):
    network = made().eval()
    taken_over(write_program(tmp_path / "net.pt2", network))
    graph = Program(program="net.pt2").graph(tmp_path / "classifier.pt", SIZE)
    images = torch.rand(5, 1, SIZE, SIZE)
    answers = OnnxForward(graph, 1).scores(images[:, 0].numpy())
    torch.testing.assert_close(torch.from_numpy(answers[:, 1:]), network(images).detach())


def test_other_layouts_of_memory(tmp_path):
    """torch.export writes views that no channels-last image has."""
    network = small()
    found = taken_over(write_program(tmp_path / "net.pt2", network)).network
    images = torch.rand(3, 1, SIZE, SIZE)
    torch.testing.assert_close(channels_last(found)(images), network(images))
    fast = fold_batch_norm(found)(images)
    torch.testing.assert_close(fast, network(images))


def test_two_outputs_are_one_logit(tmp_path):
    network = small(outputs=2)
    found = taken_over(write_program(tmp_path / "net.pt2", network))
    images = torch.rand(2, 1, SIZE, SIZE)
    logits = network(images)
    torch.testing.assert_close(found.network(images), logits[:, 1:] - logits[:, :1])


def test_a_class_each(tmp_path):
    network = small(outputs=3)
    found = taken_over(write_program(tmp_path / "net.pt2", network), classes=3)
    images = torch.rand(2, 1, SIZE, SIZE)
    torch.testing.assert_close(found.scores(images), network(images))


def test_what_the_program_sees_of_a_slice(tmp_path):
    network = nn.Sequential(nn.Conv2d(3, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(2 * 18 * 26, 1))
    file = write_program(tmp_path / "net.pt2", network.eval(), torch.rand(2, 3, 20, 28))
    keys = {"channels": 3, "normalize": {"mean": 0.5, "std": 0.25}, "image_size": [20, 28]}
    found = taken_over(file, **keys)
    images = torch.rand(2, 1, SIZE, SIZE)
    resized = F.interpolate(images, (20, 28), mode="bilinear", align_corners=False)
    wanted = network(((resized - 0.5) / 0.25).expand(-1, 3, -1, -1))
    torch.testing.assert_close(found.network(images), wanted)


def test_operators_of_many_kinds(tmp_path):
    class Kinds(nn.Module):
        def forward(self, x):
            low, high = torch.chunk(x, 2, dim=2)
            best, _ = torch.max(low - high, dim=3)
            deep = torch.cat([x[..., ::2], x[..., 1::2]], dim=1).to(torch.float64)
            deep = deep * torch.arange(x.shape[-1] // 2, device=x.device) - float("-inf") * 0
            mask = torch.where(x > 0.5, torch.tensor(1.0), torch.zeros_like(x))
            pieces = [x.mean(dim=(2, 3)), best.sum(dim=2), mask.float().std(dim=(2, 3))]
            return sum(pieces) + torch.einsum("nchw,nchw->n", x, x)[:, None] + deep.shape[0] * 0

    file = write_program(tmp_path / "net.pt2", Kinds().eval())
    found = taken_over(file)
    images = torch.rand(3, 1, SIZE, SIZE)
    torch.testing.assert_close(found.network(images), Kinds()(images))


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm, self.pool = nn.BatchNorm2d(1), nn.AdaptiveAvgPool2d(4)
        with torch.random.fork_rng():
            torch.manual_seed(6)
            self.first, self.last = nn.Linear(4, 12), nn.Linear(16, 1)
            self.norm.running_mean.normal_()

    def forward(self, x):
        query, key, value = self.first(self.pool(self.norm(x))).chunk(3, dim=-1)
        return self.last(F.scaled_dot_product_attention(query, key, value).flatten(1))


@pytest.mark.parametrize("decomposed", [False, True])
def test_operators_that_trust_their_sizes_are_replaced(decomposed, tmp_path):
    network = Attention().eval().requires_grad_(False)
    file = write_program(tmp_path / "net.pt2", network)
    if decomposed:
        torch.export.save(torch.export.load(file).run_decompositions(), file)
    found = taken_over(file).network
    images = torch.rand(3, 1, SIZE, SIZE)
    torch.testing.assert_close(found(images), network(images))


@pytest.mark.parametrize(
    ("target", "sizes"),
    [
        ("scaled_dot_product_attention.default", [(1, 1, 4, 4), (1, 1, 1, 4), (1, 1, 9, 4)]),
        (
            "_scaled_dot_product_flash_attention_for_cpu.default",
            [(1, 1, 4, 4), (1, 1, 1, 4), (1, 1, 9, 4)],
        ),
        ("_native_batch_norm_legit_no_training.default", [(1, 2, 2), *[(1,)] * 4]),
    ],
)
def test_sizes_that_do_not_fit_read_nothing(target, sizes):
    function = FUNCTIONS[target]
    tensors = [torch.ones(size) for size in sizes]
    others = (0.1, 1e-5) if "batch_norm" in target else ()
    with pytest.raises((ValueError, RuntimeError), match=r"keys and|should contain 2 elements"):
        function(*tensors, *others)


VOLUME = torch.rand(2, 1, 4, SIZE, SIZE)
UNFIT = {
    "one image": (mean, {"example": torch.rand(1, 1, SIZE, SIZE), "sizes": {}},
        r"was exported for batches of 1 alone; export it for batches of any size: torch\.export"),
    "another size": (mean, {"example": torch.rand(2, 1, 16, 16)},
        r"was exported for images \(N, 1, 16, 16\), but gets \(N, 1, 32, 32\); export it for"),
    "three channels": (mean, {"example": torch.rand(2, 3, SIZE, SIZE)},
        r"exported for images \(N, 3, 32, 32\), but gets .* set `channels` and `image_size`"),
    "volumes": (lambda x: x.mean(dim=(1, 2, 3, 4))[:, None], {"example": VOLUME},
        r"wants 3-D images; slices are 2-D: \(N, 1, 32, 32\)"),
    "features": (lambda x: x.mean(dim=(1, 2)), {"example": torch.rand(2, SIZE, SIZE)},
        r"takes images \(N, 32, 32\); it will get \(N, 1, 32, 32\)"),
    "five outputs": (lambda x: mean(x).repeat(1, 5), {},
        r"with the shape \(N, 5\), expected \(N, 1\) or \(N, 2\): the logits of a task of two"),
    "no column": (lambda x: mean(x)[:, 0], {}, r"shape \(N\), expected \(N, 1\) or \(N, 2\)"),
    "one answer for all": (lambda x: mean(x).mean(dim=0, keepdim=True), {},
        r"shape \(1, 1\), expected \(N, 1\) or"),
    "two answers": (lambda x: (mean(x), x), {}, r"returns 2 values, not the tensor of logits al"),
    "another type": (lambda x: mean(x.double()), {"example": torch.rand(2, 1, SIZE, SIZE).double()},
        r"does not take images of float32; write it with"),
}  # fmt: skip


@pytest.mark.parametrize("kind", UNFIT)
def test_programs_that_do_not_fit_are_refused_before_the_run(kind, tmp_path):
    answer, how, message = UNFIT[kind]
    file = write_program(tmp_path / "net.pt2", Of(answer), **how)
    with pytest.raises(InputError, match=message) as caught:
        Program(program=str(file)).check(SLICES)
    assert "\n" not in str(caught.value)


UNUSABLE = {
    "not finite": (lambda x: mean(x) / 0, "answers to black, white and noise are not finite"),
    "of the whole batch": (lambda x: mean(x) - x.std(), "differently alone and beside others"),
}


@pytest.mark.parametrize("kind", UNUSABLE)
def test_programs_whose_answers_do_not_fit(kind, tmp_path):
    answer, message = UNUSABLE[kind]
    source = Program(program=str(write_program(tmp_path / "net.pt2", Of(answer))))
    source.check(SLICES)
    with pytest.raises(InputError, match=message):
        source.take_over(SLICES, tmp_path / "classifier.pt")
    assert not (tmp_path / "classifier.pt").exists()


def test_weights_that_are_not_finite(tmp_path):
    network = small()
    network.last.bias.fill_(torch.nan)
    source = Program(program=str(write_program(tmp_path / "net.pt2", network)))
    with pytest.raises(InputError, match=r"not finite in last\.bias"):
        source.take_over(SLICES, tmp_path / "classifier.pt")


def test_a_network_in_training_mode(tmp_path):
    source = Program(program=str(write_program(tmp_path / "net.pt2", small().train())))
    with pytest.raises(InputError, match=r"in training mode .*; call network\.eval\(\) before"):
        source.check(SLICES)


def test_it_is_checked_without_torch(tmp_path):
    file = write_program(tmp_path / "net.pt2", small())
    code = (
        "import sys; from ct_importance.classifier.sources.program import Program; "
        "from ct_importance.cohort.options import ExtractionOptions; "
        f"Program(program={str(file)!r}).check(ExtractionOptions(image_size={SIZE})); "
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=PROJECT).returncode == 0


def test_the_file_is_tracked():
    source = Program(program="net.pt2")
    assert source.files() == {"program": "net.pt2"}
    assert not source.is_trained_here
