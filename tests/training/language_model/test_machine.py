import subprocess
import sys

import pytest
import torch

from training.language_model import machine


def test_settings_are_put_back_even_after_an_error():
    before = torch.get_num_threads(), torch.get_float32_matmul_precision()
    with pytest.raises(RuntimeError), machine.settings(threads=2, precision="medium"):  # noqa: PT012
        assert (torch.get_num_threads(), torch.get_float32_matmul_precision()) == (2, "medium")
        raise RuntimeError
    assert (torch.get_num_threads(), torch.get_float32_matmul_precision()) == before


@pytest.mark.parametrize(("precision", "is_rounded"), [("float32", False), ("bfloat16", False), ("medium", True)])
def test_only_medium_rounds_what_is_float32(precision, is_rounded):
    before = torch.backends.cudnn.allow_tf32
    with machine.settings(threads=1, precision=precision):
        assert torch.backends.cudnn.allow_tf32 is is_rounded
        assert torch.get_float32_matmul_precision() == ("medium" if is_rounded else "highest")
    assert torch.backends.cudnn.allow_tf32 is before


def test_the_processor_can_be_asked_for():
    device, reason = machine.choose_device("cpu")
    assert device.type == "cpu"
    assert reason.endswith(".")


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has CUDA")
def test_a_missing_graphics_processor_is_said():
    device, reason = machine.choose_device("cuda")
    assert device.type == "cpu"
    assert "has none" in reason


def test_threads_are_those_asked_for_or_those_that_are_there():
    assert machine.count_threads(3) == 3
    assert 1 <= machine.count_threads(0) <= 8


@pytest.mark.parametrize(("given", "kept"), [({}, ":4096:8"), ({"CUBLAS_WORKSPACE_CONFIG": ":16:8"}, ":16:8")])
def test_the_buffers_of_a_graphics_processor_are_of_one_size(given, kept):
    code = "import os, training.language_model; print(os.environ['CUBLAS_WORKSPACE_CONFIG'])"
    answer = subprocess.run([sys.executable, "-c", code], env=given, capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == kept


@pytest.mark.parametrize(
    ("given", "kept"), [({}, "1000"), ({"GOMP_SPINCOUNT": "7"}, "7"), ({"OMP_WAIT_POLICY": "active"}, None)]
)
def test_threads_hardly_spin_unless_the_environment_says_otherwise(given, kept):
    code = "import os, training.language_model; print(os.environ.get('GOMP_SPINCOUNT'))"
    answer = subprocess.run([sys.executable, "-c", code], env=given, capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == str(kept)
