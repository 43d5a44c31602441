import pytest

from ct_importance.compute.batch_size import images_per_pass


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_passes_hold_about_the_same_number_of_pixels(device):
    for gradient in (True, False):
        at_224, at_512, at_huge = (
            images_per_pass(device, size, size, gradient) for size in (224, 512, 4096)
        )
        assert at_224 > at_512 >= at_huge >= 1
    assert images_per_pass("cuda", 224, 224) < images_per_pass("cuda", 224, 224, gradient=False)
