"""Asks a classifier through ONNX Runtime, on the CPU; without torch."""

from __future__ import annotations

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from ct_importance.classifier.forward.runtime import Answers, Forward
from ct_importance.errors import InputError, first_line
from ct_importance.io.paths import StrPath
from ct_importance.io.system_errors import naming


class OnnxForward(Forward):
    """A graph of ONNX that maps images (N, 1, H, W) in [0, 1] to outputs (N, O)."""

    device = "cpu"

    def __init__(self, graph: StrPath | bytes, threads: int) -> None:
        """Open a graph.

        Args:
            graph: The file, or what it holds.
            threads: CPU threads to use; answers do not depend on it.

        Raises:
            InputError: If it is missing, or no graph that can be run.
        """
        name = "the graph" if isinstance(graph, bytes) else graph
        if not isinstance(graph, bytes):
            with naming(graph), open(graph, "rb") as file:
                graph = file.read()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        # Threads that wait must not keep a core busy that another job could use.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(
                graph, options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # the library's errors have no base class of their own
            raise InputError(
                f"{name}: ONNX Runtime cannot run it ({first_line(error)}); delete the file and "
                "run again"
            ) from error
        self._input = self._session.get_inputs()[0].name

    def _ask(self, images: NDArray[np.float32]) -> Answers:
        feed = {self._input: np.ascontiguousarray(images[:, None], np.float32)}
        answers: Answers = self._session.run(None, feed)[0]
        return answers
