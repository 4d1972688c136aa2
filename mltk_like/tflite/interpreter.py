"""Run a `.tflite` file on the host with LiteRT. No TensorFlow."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mltk_like.errors import DataError, ModelError, one_line
from mltk_like.quiet import quiet_output
from mltk_like.tflite.model_file import check_ends, parse, read_model

# Below this, starting threads costs more than it saves.
_MIN_ROWS_PER_THREAD = 16


@dataclass(frozen=True, kw_only=True)
class _End:
    """Input or output of a model, as LiteRT describes it."""

    index: int
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    quantization: tuple[float, int]

    @classmethod
    def of(cls, details: dict[str, Any]) -> "_End":
        scale, zero_point = details["quantization"]
        dtype = np.dtype(details["dtype"])
        if dtype.kind not in "iuf" or not 0 <= scale < np.inf:
            raise ModelError(
                f"the model takes or gives {dtype} values in units of {scale}", "give a model of whole or real numbers"
            )
        return cls(
            index=details["index"],
            shape=tuple(int(n) for n in details["shape"]),
            dtype=dtype,
            quantization=(float(scale), int(zero_point)),
        )


def _ends(interpreter: Any) -> tuple[_End, _End]:
    """The first input and the first output. Raises ModelError where LiteRT cannot say what they are."""
    try:
        return _End.of(interpreter.get_input_details()[0]), _End.of(interpreter.get_output_details()[0])
    except (RuntimeError, ValueError, IndexError, TypeError) as error:
        raise ModelError(f"LiteRT cannot use the model: {one_line(error)}", "give an intact .tflite file") from error


class TfliteModel:
    """A model with one input and one output, or whose first ones are meant.

    By default LiteRT's fast kernels (XNNPACK) run; their int8 outputs can differ by a few units from those of a
    microcontroller. `exact=True` takes the reference kernels, about 40 times slower, which differ from TFLM
    seldom and by one unit in the keyword models tried. The measure for a device is TFLM itself: `run_tflm`.

    Rows are run one at a time: a batch in one call is no faster (measured on 20 models, 1 thread: 0.060 against 0.061
    ms for a 56-layer model), while rows on two idle cores with an interpreter each take 0.6 of the time.

    Args:
        model: content of a `.tflite` file, or its path.
        exact: use the reference kernels.
        threads: CPU threads among which `predict` divides the rows.

    Raises:
        ModelError: the file cannot be read or is not a model that LiteRT can run.
    """

    def __init__(self, model: bytes | Path, *, exact: bool = False, threads: int = 1) -> None:
        self._content = read_model(model)
        check_ends(parse(self._content))
        self._exact = exact
        self._interpreters = [self._make_interpreter()]
        self._input, self._output = _ends(self._interpreters[0])
        if self.input_shape[:1] != (1,) or self.output_shape[:1] != (1,):
            raise ModelError(
                f"the model maps {self.input_shape} to {self.output_shape}; one row at a time is needed",
                "convert the model with a batch of 1",
            )
        # State goes from row to row, so the rows of such a model are run in order by one interpreter.
        self._threads = 1 if threads == 1 or self._keeps_state() else threads

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of the input with its batch dimension, such as (1, 118, 1, 108)."""
        return self._input.shape

    @property
    def input_dtype(self) -> np.dtype[Any]:
        """Element type of the input."""
        return self._input.dtype

    @property
    def input_quantization(self) -> tuple[float, int]:
        """(scale, zero point): real value = scale * (q - zero point); (0.0, 0) when not quantised."""
        return self._input.quantization

    @property
    def output_shape(self) -> tuple[int, ...]:
        """Shape of the output with its batch dimension, such as (1, 2)."""
        return self._output.shape

    @property
    def output_dtype(self) -> np.dtype[Any]:
        """Element type of the output."""
        return self._output.dtype

    @property
    def output_quantization(self) -> tuple[float, int]:
        """(scale, zero point) of the output; (0.0, 0) when not quantised."""
        return self._output.quantization

    def quantize(self, x: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Values in the model's input type; floats are scaled, rounded half away from zero, and clipped.

        Raises:
            DataError: whole numbers of another type than the model's input, or floats that are not finite.
        """
        if x.dtype == self.input_dtype:
            return x
        if x.dtype.kind != "f":
            raise DataError(
                f"the model takes {self.input_dtype} input, not {x.dtype}", "convert the features, or give floats"
            )
        scale, zero_point = self.input_quantization
        converted: npt.NDArray[Any]
        if self.input_dtype.kind == "f" or not scale:
            converted = x.astype(self.input_dtype)
            return converted
        if not np.isfinite(x).all():
            raise DataError("the features hold values that are not finite", "look at the clip and the front end")
        limits = np.iinfo(self.input_dtype)
        scaled = x.astype(np.float64) / scale
        rounded = np.trunc(scaled + np.copysign(0.5, scaled)) + zero_point
        converted = np.clip(rounded, limits.min, limits.max).astype(self.input_dtype)
        return converted

    def predict(self, x: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Outputs for a batch.

        Args:
            x: (n, *input_shape[1:]) in the model's input type, or floats, which are quantised.

        Returns:
            (n, *output_shape[1:]) in the model's output type.

        Raises:
            DataError: another shape or type.
            ModelError: LiteRT fails to run the model.
        """
        if x.shape[1:] != self.input_shape[1:]:
            raise DataError(f"the model takes input of shape (n, {self._row_text()}), not {x.shape}")
        values = self.quantize(x)
        if self._threads == 1 or len(values) < _MIN_ROWS_PER_THREAD * self._threads:
            return self._run(self._interpreters[0], values)
        return self._run_threads(values)

    def predict_float(self, x: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        """As `predict`, with the outputs as real numbers (dequantised), float32."""
        outputs = self.predict(x).astype(np.float32)
        scale, zero_point = self.output_quantization
        return (outputs - np.float32(zero_point)) * np.float32(scale) if scale else outputs

    def _row_text(self) -> str:
        return ", ".join(map(str, self.input_shape[1:]))

    def _make_interpreter(self) -> Any:
        from ai_edge_litert.interpreter import Interpreter, OpResolverType

        resolver = OpResolverType.BUILTIN_REF if self._exact else OpResolverType.AUTO
        failure: Exception | None = None
        # LiteRT announces its kernels on stderr, once in every process.
        with quiet_output():
            try:
                interpreter = Interpreter(
                    model_content=self._content, num_threads=1, experimental_op_resolver_type=resolver
                )
                interpreter.allocate_tensors()
            except (RuntimeError, ValueError) as error:
                failure = error
        if failure is not None:
            raise ModelError(
                f"LiteRT cannot load the model: {one_line(failure)}", "give an intact .tflite file"
            ) from failure
        return interpreter

    def _run(self, interpreter: Any, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        outputs = np.empty((len(values), *self.output_shape[1:]), self.output_dtype)
        try:
            for i in range(len(values)):
                interpreter.set_tensor(self._input.index, values[i : i + 1])
                interpreter.invoke()
                outputs[i] = interpreter.get_tensor(self._output.index)[0]
        # IndexError: a shape that is known only when the model has run.
        except (RuntimeError, ValueError, IndexError) as error:
            raise ModelError(f"LiteRT cannot run the model: {one_line(error)}") from error
        return outputs

    def _run_threads(self, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """One interpreter for each thread, each on a part of the rows; LiteRT runs outside Python's lock."""
        while len(self._interpreters) < self._threads:
            self._interpreters.append(self._make_interpreter())
        parts = np.array_split(values, self._threads)
        with ThreadPoolExecutor(self._threads) as pool:
            return np.concatenate(list(pool.map(self._run, self._interpreters, parts)))

    def _keeps_state(self) -> bool:
        tree = parse(self._content)
        return len(tree.subgraphs) > 1 or any(tensor.isVariable for tensor in tree.subgraphs[0].tensors or [])
