"""How the embedded model runs."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

CacheType = Literal["f32", "f16", "bf16", "q8_0", "q4_0"]
"""How the keys and values of the context are kept, in ggml's names."""


class LlamaOptions(Struct, frozen=True, kw_only=True):
    """One directory of models and how each of them is loaded. The same for every model of the directory.

    Args:
        models_dir: directory of `*.gguf`; a model's name is its file's name without `.gguf`.
        n_ctx: context window in tokens, prompt and answer together; 0 takes the length the model was trained with.
        n_threads: threads for generation; None takes half of the processors we may use.
        n_threads_batch: threads for prompt evaluation; None takes all but one. llama.cpp's threads wait for each
            other busily: beside a busy router two threads on two processors took ten times as long as one.
        n_gpu_layers: layers put on a GPU, -1 for all; a wheel built for the CPU ignores it.
        flash_attn: required by a quantised `type_v`.
        type_k: how keys are cached.
        type_v: how values are cached.
        chat_format: llama-cpp-python's name of a chat format; None takes the template in the file.
        seed: sampler seed of requests that name none; None draws one for each request.
        n_batch: prompt tokens evaluated at a time.
        memory_limit_bytes: what a worker may allocate beside the mapped weights (RLIMIT_DATA, Linux only); None sets no
            limit. Must hold the context (keys and values), the compute buffers and 4 * n_batch * vocabulary bytes.
        load_timeout_s: a worker that has not loaded its model by then is killed.
        max_waiting: requests that may wait for one model; one more is answered 503.
    """

    models_dir: str
    n_ctx: int = 4096
    n_threads: int | None = None
    n_threads_batch: int | None = None
    n_gpu_layers: int = 0
    flash_attn: bool = False
    type_k: CacheType = "f16"
    type_v: CacheType = "f16"
    chat_format: str | None = None
    seed: int | None = None
    n_batch: int = 512
    memory_limit_bytes: int | None = None
    load_timeout_s: float = 120.0
    max_waiting: int = 16

    def __post_init__(self) -> None:
        """Refuse what llama.cpp would only refuse after the weights were read."""
        if self.n_ctx < 0 or self.n_batch < 1:
            raise ValueError("n_ctx must be 0 or more, n_batch 1 or more")
        if self.type_v in ("q8_0", "q4_0") and not self.flash_attn:
            raise ValueError(f"type_v {self.type_v} needs flash_attn: llama.cpp reads quantised values only through it")
