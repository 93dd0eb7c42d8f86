import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from training.language_model.scans import NARROW_STEP, count_strands, doubling, fading_memory, run


def numbers(*size, seed=0):
    """(keep, added, first) of T steps, B columns and H numbers; some shares are 0 and some are 1."""
    generator = torch.Generator().manual_seed(seed)
    keep = torch.rand(size, generator=generator, dtype=torch.float64).mul(1.4).sub(0.2).clamp(0, 1)
    added = torch.randn(size, generator=generator, dtype=torch.float64)
    return keep, added, torch.randn(size[1:], generator=generator, dtype=torch.float64)


def step_by_step(keep, added, first):
    memories = []
    for share, new in zip(keep, added, strict=True):
        first = share * first + new
        memories.append(first)
    return torch.stack(memories)


@settings(deadline=None)  # the first use of torch takes its time
@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 2**31))
def test_any_number_of_strands_remembers_what_step_by_step_remembers(steps, strands, seed):
    given = numbers(steps, 2, 3, seed=seed)
    torch.testing.assert_close(run(*given, strands=min(strands, steps)), step_by_step(*given))


@settings(deadline=None)  # the first use of torch takes its time
@given(st.integers(1, 70), st.integers(0, 2**31))
def test_passes_that_double_remember_what_step_by_step_remembers(steps, seed):
    given = numbers(steps, 2, 3, seed=seed)
    torch.testing.assert_close(doubling(*given), step_by_step(*given))


@settings(deadline=None)  # the first use of torch takes its time
@given(st.integers(1, 40), st.integers(1, 3))
def test_the_gradient_is_that_of_step_by_step(steps, columns):
    ours, theirs = ([one.requires_grad_() for one in numbers(steps, columns, 2)] for _ in range(2))
    weights = torch.linspace(-1, 1, steps * columns * 2, dtype=torch.float64).view(steps, columns, 2)
    (fading_memory(*ours) * weights).sum().backward()
    (step_by_step(*theirs) * weights).sum().backward()
    for own, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(own.grad, other.grad)


@pytest.mark.parametrize("steps", [1, 2, 11])
def test_the_gradient_is_the_numerical_one(steps):
    assert torch.autograd.gradcheck(fading_memory, [one.requires_grad_() for one in numbers(steps, 2, 3)])


def test_a_long_narrow_sequence_is_cut_and_a_wide_one_is_not():
    assert count_strands(torch.empty(400, 1, 8)) == 28
    assert count_strands(torch.empty(400, 32, NARROW_STEP // 32)) == 1
    assert count_strands(torch.empty(1, 1, 8)) == 1


def test_a_memory_that_fades_for_long_does_not_lose_its_numbers():
    """Shares multiplied a thousand times over vanish in single precision; the memory must not."""
    keep, added, first = torch.full((2000, 1, 4), 0.5), torch.ones(2000, 1, 4), torch.full((1, 4), 1e30)
    for way in (fading_memory, doubling):
        torch.testing.assert_close(way(keep, added, first)[-1], torch.full((1, 4), 2.0))
