import pytest
from client import Kernel


@pytest.fixture(params=["tcp", "ipc"], scope="module")
def shared(request):
    """A kernel that the tests of a file share, over each transport; it stays alive throughout."""
    kernel = Kernel(request.param)
    yield kernel
    assert kernel.manager.is_alive()
    kernel.stop()


@pytest.fixture
def client(shared):
    """The client of the shared kernel; what a failed test left running is interrupted."""
    yield shared.client
    shared.client.answer("interrupt_request", {}, "control")


@pytest.fixture
def start():
    """Starts kernels of a test's own."""
    kernels = []

    def start_kernel(*arguments, **options):
        kernels.append(Kernel(*arguments, **options))
        return kernels[-1]

    yield start_kernel
    for kernel in kernels:
        kernel.stop()
