import pickle

import pytest
import torch
import yaml

from ct_importance.classifier.networks.by_name import build
from ct_importance.classifier.sources.bundle import Bundle
from ct_importance.cohort.options import ExtractionOptions
from ct_importance.errors import InputError
from tests.classifier.networks.files import DEFINITION, DENSENET, write_bundle

SMALL = ExtractionOptions(image_size=32)
CLASSES = ("no contrast", "contrast")


def bundle_of(folder, network, definition, **changes):
    return Bundle(bundle=str(write_bundle(folder, network, definition, **changes)))


def densenet(channels=1, outputs=2):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return build("monai.DenseNet121", DENSENET, channels, outputs).eval()


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "theirs"


@pytest.fixture
def source(folder):
    return bundle_of(folder, densenet(), DEFINITION)


def check(source):
    """What is checked while the workflow is read."""
    source.check(SMALL)
    source.check_classes(CLASSES)


def taken_over(source, tmp_path):
    check(source)
    source.take_over(SMALL, tmp_path / "classifier.pt")
    return source.load(tmp_path / "classifier.pt")


def refusal(source):
    with pytest.raises(InputError) as caught:
        check(source)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_the_network_of_the_bundle_is_taken_over(source, folder, tmp_path):
    found = taken_over(source, tmp_path)
    images = torch.rand(2, 1, 32, 32)
    answers = densenet()(images)
    assert torch.equal(found.network(images), answers[:, 1:] - answers[:, :1])
    assert found.layer("features.conv0").in_channels == 1
    assert not source.is_trained_here
    assert source.files() == {
        "metadata": f"{folder}/configs/metadata.json",
        "network_def": f"{folder}/configs/inference.json",
        "weights": f"{folder}/models/model.pt",
    }


def test_the_definition_may_be_yaml_or_that_of_the_training(source, folder, tmp_path):
    (folder / "configs/inference.json").write_text("{}")
    (folder / "configs/train.yaml").write_text(yaml.safe_dump(DEFINITION))
    assert source.files()["network_def"].endswith("train.yaml")
    assert taken_over(source, tmp_path).layer("features.conv0").in_channels == 1


def test_channels_and_size_are_those_of_the_bundle(folder, tmp_path):
    definition = DEFINITION | {"network_def": DEFINITION["network_def"] | {"in_channels": 3}}
    source = bundle_of(
        *(folder, densenet(channels=3), definition),
        **{"image_num_channels": 3, "image_spatial_shape": [40, 24]},
    )
    found = taken_over(source, tmp_path)
    shapes = []
    found.layer("features.conv0").register_forward_pre_hook(
        lambda _, inputs: shapes.append(inputs[0].shape)
    )
    assert found.network(torch.rand(2, 1, 32, 32)).shape == (2, 1)
    assert shapes == [(2, 3, 40, 24)]

    windows = [(-1000, 400), (-160, 240), (-1000, -300)]
    same = Bundle(bundle=str(folder), windows=windows, image_size=(40, 24))
    same.check(SMALL)
    with pytest.raises(InputError, match=r"classifier\.pt: made of .*; delete this file and run"):
        same.load(tmp_path / "classifier.pt")
    message = refusal(Bundle(bundle=str(folder), channels=1))
    assert "num_channels is 3, but the configuration 1; leave `channels` out" in message
    message = refusal(Bundle(bundle=str(folder), image_size=(24, 40)))
    assert "spatial_shape is [40, 24], but image_size of the classifier [24, 40]" in message


def test_other_values_need_normalize(folder, tmp_path):
    source = bundle_of(folder, densenet(), DEFINITION, image_value_range=[-1, 1])
    assert "value_range is [-1, 1], and slices are [0, 1]" in refusal(source)
    assert "which is {mean: 0.5, std: 0.5} if that" in refusal(source)
    normal = source.model_validate({"bundle": str(folder), "normalize": {"mean": 0.5, "std": 0.5}})
    images = torch.rand(2, 1, 32, 32)
    answers = densenet()(images * 2 - 1)
    found = taken_over(normal, tmp_path).network(images)
    torch.testing.assert_close(found, answers[:, 1:] - answers[:, :1], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"image_num_channels": 4}, "num_channels is 4; slices can be shown as 1 channel or 3"),
        ({"image_num_channels": "one"}, "inputs.image.num_channels: Input should be a valid int"),
        ({"image_spatial_shape": [32, 32, 32]}, "it wants 3-D images, and slices are 2-D"),
        ({"image_spatial_shape": [4, 4]}, "spatial_shape is [4, 4]; 8 to 4096 rows"),
        ({"image_value_range": [1]}, "value_range is [1.0]; write [lowest, highest] there"),
        ({"pred_num_channels": 5}, "num_channels is 5, but the task has 2 classes: 1 or 2 can be"),
        ({"pred_num_channels": 1}, "metadata.json says"),
        (
            {"pred_channel_def": {"0": "contrast", "1": "no contrast"}},
            "channel_def is contrast, no contrast, but task.classes no contrast, contrast; give",
        ),
        ({"pred_channel_def": {"0": "healthy", "1": "lesion"}}, "channel_def is healthy, lesion, "),
        ({"pred_channel_def": {}}, "channel_def is not named, not named, but task.classes"),
    ],
)
def test_metadata_that_do_not_fit(folder, changes, message):
    assert message in refusal(bundle_of(folder, densenet(), DEFINITION, **changes))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"_target_": "UNet"}, "network_def is 'UNet', none of MONAI's networks that classify (De"),
        ({"_target_": "mine.DenseNet121"}, "is 'mine.DenseNet121', none of MONAI's"),
        ({"_target_": None}, "network_def is 'None', none of"),
        ({"spatial_dims": 3}, "wants 3-D images (spatial_dims 3); slices are 2-D"),
        ({"out_channels": 5}, "network_def of monai.DenseNet121: out_channels must be 2, or left"),
        ({"in_channels": 3}, "network_def of monai.DenseNet121: in_channels must be 1, or left"),
        ({"depth": 5}, "'depth' is no argument of monai.DenseNet121; there are: init_features"),
        ({"growth_rate": "$2 ** 3"}, "network_def.growth_rate is '$2 ** 3', which is code, and co"),
        ({"block_config": [1, "$1"]}, "network_def.block_config is '$1', which is code"),
        ({"growth_rate": "%other.json::a"}, "network_def.growth_rate is '%other.json::a', which"),
        ({"growth_rate": "@device"}, "is \"$torch.device('cpu')\", which is code"),
        ({"growth_rate": "@nowhere"}, "growth_rate refers to @nowhere, which is not there"),
        ({"growth_rate": "@network_def::growth_rate"}, "growth_rate: refers to itself"),
        ({"act": {"_target_": "ReLU"}}, "network_def.act is an object (ReLU); only values can"),
    ],
)
def test_definitions_that_cannot_be_used(folder, changes, message):
    definition = DEFINITION | {"network_def": DEFINITION["network_def"] | changes}
    assert message in refusal(bundle_of(folder, densenet(), definition))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("configs/metadata.json", None, "theirs: no configs/metadata.json; name the folder of a"),
        ("configs/metadata.json", "{", "metadata.json: is no JSON ("),
        ("configs/metadata.json", "[]", "metadata.json: its content: Input should be"),
        ("configs/metadata.json", "{}", "metadata.json: network_data_format: Field required; add"),
        ("configs/inference.json", None, "theirs: no network_def in configs/inference.json"),
        ("configs/inference.json", "{}", "theirs: no network_def in configs/inference.json"),
        ("configs/inference.json", '{"network_def"', "inference.json: is no JSON ("),
        ("configs/inference.json", '{"network_def": 3}', "network_def has no _target_, the netwo"),
        ("models/model.pt", None, "theirs: no models/model.pt; put the weights of the network the"),
        ("models/model.pt", "git-lfs", "model.pt: cannot be read as a file of torch.save"),
    ],
)
def test_files_that_are_missing_or_damaged(source, folder, name, content, message):
    (folder / name).unlink()
    if content is not None:
        (folder / name).write_text(content)
    assert message in refusal(source)


def test_a_folder_that_is_not_there(tmp_path):
    assert "nowhere: no configs/metadata.json" in refusal(Bundle(bundle=f"{tmp_path}/nowhere"))


@pytest.mark.filterwarnings("ignore:.*is deprecated:DeprecationWarning")
@pytest.mark.parametrize("name", ["model.ts", "model.pt"])
def test_torchscript_is_code(source, folder, name):
    (folder / "models/model.pt").unlink()
    network = torch.jit.trace(torch.nn.Conv2d(1, 1, 3), torch.rand(1, 1, 8, 8))
    network.save(str(folder / "models" / name))
    message = refusal(source)
    assert f"models/{name} is TorchScript, which is code" in message
    assert f"torch.save(torch.jit.load('{name}').state_dict(), 'model.pt')" in message


def test_no_pickled_code_runs(source, folder, tmp_path):
    class Trap:
        def __reduce__(self):
            return open, (str(tmp_path / "trapped"), "w")

    torch.save(Trap(), folder / "models/model.pt")
    assert "holds a open, not weights by name" in refusal(source)
    (folder / "models/model.pt").write_bytes(pickle.dumps(Trap()))
    assert "cannot be read as a file of torch.save" in refusal(source)
    assert not (tmp_path / "trapped").exists()


def test_weights_of_another_network_are_refused(source, folder, tmp_path):
    torch.save(densenet(outputs=1).state_dict(), folder / "models/model.pt")
    with pytest.raises(
        InputError, match=r"not the weights of monai\.DenseNet121\. shapes: class_l"
    ):
        taken_over(source, tmp_path)
    assert not (tmp_path / "classifier.pt").exists()
