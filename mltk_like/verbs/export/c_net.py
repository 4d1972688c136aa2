"""`--format c`: the net as C that runs alone, with its kernels."""

from mltk_like.artifact import Artifact
from mltk_like.codegen import NetSource, emit_net
from mltk_like.codegen.kernels import INT8, kernel_sources
from mltk_like.tflite import summarize_tflite
from mltk_like.tflite.c_array import header
from mltk_like.tflite.c_text import comment
from mltk_like.verbs.export.defines import defines_of
from mltk_like.verbs.export.result import Written


def c_net(artifact: Artifact, prefix: str) -> Written:
    """The net as C, what surrounds it as `#define`s, the kernels, and a page that says how they are used.

    Raises:
        ModelError: a layer has no kernel; it is named.
        ToolError: the kernels' source is not there.
    """
    data = artifact.tflite()
    summary = summarize_tflite(data, name=artifact.name)
    title = f"{summary.name}: {summary.description}" if summary.description else summary.name
    net = emit_net(data, prefix=f"{prefix}_net", title=title)
    files = {
        f"{prefix}.h": header(prefix, title, defines_of(data), array=False),
        **net.files,
        **kernel_sources(INT8),
        "README.md": _page(comment(title), prefix, net),
    }
    return Written.of_net(net, files)


def _page(title: str, prefix: str, net: NetSource) -> str:
    arenas = net.arena_bytes
    upper = f"{prefix}_net".upper()
    return f"""# {title}

This folder is the net of a model as C11. It needs no library but a compiler's `string.h` and `stdint.h`, and no heap.

```c
#include "{prefix}_net.h"

static {prefix}_net_input window[{upper}_INPUT_BYTES / sizeof({prefix}_net_input)];
static {prefix}_net_output scores[{upper}_OUTPUT_BYTES / sizeof({prefix}_net_output)];

{prefix}_net_init();
{prefix}_net_run(window, scores);
```

`window` is what the front end gives, in the order of the `.tflite`'s input. `scores` are its outputs: int8 values from
-128 (not at all) to 127 (certain) where the net ends with a softmax. `{prefix}.h` has the settings of the front end and
of the recogniser, and the names of the classes.

Compile all `.c` files with the options of your core, for example:

```
arm-none-eabi-gcc -mcpu=cortex-m4 -mthumb -std=c11 -O3 -c *.c
gcc -std=c11 -O3 -c *.c
```

The kernels use the DSP extension (Cortex-M4, M7, M33) or MVE (Cortex-M55) where the core has it, with the same results
to the byte. `-DMLTK_KERNELS_PORTABLE` takes the portable ones anywhere.

| memory | bytes |
| --- | --- |
| flash, constants of the net | {net.constant_bytes} |
| RAM, arena, portable kernels | {arenas["portable"]} |
| RAM, arena, kernels with the DSP extension | {arenas["dsp"]} |
| RAM, arena, kernels with MVE | {arenas["mve"]} |
| RAM, state between inferences | {net.state_bytes} |
| RAM, the caller's input and output | {net.input_bytes} + {net.output_bytes} |

The kernels are part of mltk_like and are licensed under Apache-2.0.
"""
