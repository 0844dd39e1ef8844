"""ZeroGPU: borrowed where a Space has it, nothing anywhere else."""

import subprocess
import sys
import textwrap

import numpy as np
import pytest

from sargan_hf import SARGANPipeline
from sargan_hf.demo import zerogpu


@pytest.mark.parametrize("environment", [{}, {"SPACES_ZERO_GPU": ""}, {"SPACES_ZERO_GPU": "false"}])
def test_nothing_is_imported_elsewhere(environment):
    assert zerogpu.prepare(environment) is False
    assert "spaces" not in sys.modules


def test_edits_of_a_space_run_inside_the_decorated_function(tiny_model_folder, tmp_path):
    # The package itself only works on the Hub; this has its one function, as documented, and counts.
    package = tmp_path / "spaces"
    package.mkdir()
    (package / "__init__.py").write_text(
        textwrap.dedent(
            """
            calls = []
            def GPU(duration):
                def decorate(task):
                    def lent(*arguments):
                        calls.append(duration)
                        return task(*arguments)
                    return lent
                return decorate
            """
        )
    )
    script = textwrap.dedent(
        f"""
        import sys
        from sargan_hf.demo import zerogpu
        assert zerogpu.prepare({{"SPACES_ZERO_GPU": "true"}})
        assert "torch" not in sys.modules  # spaces has to come first
        import numpy, spaces
        from sargan_hf import SARGANPipeline
        plain = SARGANPipeline.from_pretrained({str(tiny_model_folder)!r}).generator
        lent = zerogpu.BorrowedGPU(plain)
        crops, happy = numpy.zeros((1, 3, 64, 64), numpy.float32), numpy.eye(7, dtype=numpy.float32)[3:4]
        assert (lent(crops, happy).residual == plain(crops, happy).residual).all()
        assert (lent.expressions, lent.sample_size) == (plain.expressions, 64)
        assert spaces.calls == [zerogpu.SECONDS]
        """
    )
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n{script}"], capture_output=True
    )
    assert done.returncode == 0, done.stderr.decode()


def test_a_pipeline_takes_a_borrowed_generator(tiny_model_folder, monkeypatch):
    import types

    monkeypatch.setitem(sys.modules, "spaces", types.SimpleNamespace(GPU=lambda duration: lambda task: task))
    pipeline = SARGANPipeline.from_pretrained(str(tiny_model_folder))
    picture = np.random.default_rng(0).integers(0, 255, (96, 96, 3), dtype=np.uint8)
    expected = np.asarray(pipeline(picture, "happy", box=(20, 20, 76, 76)).images[0])
    pipeline.generator = zerogpu.BorrowedGPU(pipeline.generator)
    assert (np.asarray(pipeline(picture, "happy", box=(20, 20, 76, 76)).images[0]) == expected).all()
