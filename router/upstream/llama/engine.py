"""One loaded model. Lives in the worker process only: the one file that knows the binding.

Source: llama-cpp-python 0.3.36, llama_cpp/{llama,llama_chat_format,llama_grammar,_internals}.py, read 2026-11-21.
"""

from __future__ import annotations

import ctypes
import importlib
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
from msgspec import Struct

from router.upstream.llama.answer import Finish
from router.upstream.llama.chat import BadAsk, ChatAsk, grammar_schema
from router.upstream.llama.options import LlamaOptions
from router.upstream.llama.text import TextFlow
from router.upstream.llama.tools import Delta, opening_for, plain_messages, reader_for

_GGML_TYPES = {"f32": 0, "f16": 1, "q4_0": 2, "q8_0": 8, "bf16": 30}

_DECODE_ABORTED = "llama_decode returned 2"

_BAD_TEMPLATE = (ValueError, TypeError, KeyError, IndexError, AttributeError)
"""What a chat template raises over messages it was not written for, beside jinja2.TemplateError."""

_BAD_SCHEMA = (ValueError, TypeError, KeyError, IndexError, AttributeError, AssertionError, RecursionError)
"""What the binding's schema converter raises over a schema it cannot turn into a grammar."""


class CannotLoad(Exception):
    """The model cannot be loaded. `permanent`: the same file on the same machine will fail again."""

    def __init__(self, why: str, *, permanent: bool) -> None:
        super().__init__(why)
        self.why = why
        self.permanent = permanent


class DecodeFailed(Exception):
    """llama.cpp gave up inside an answer. The context was emptied; the next answer begins afresh."""


class Aborted(Exception):
    """Nobody reads this answer any more."""


class AbortFlag:
    """Says to one answer, from another thread, that nobody reads it. Seen inside native prompt evaluation too."""

    def __init__(self) -> None:
        self.cell = ctypes.create_string_buffer(2)

    def set(self) -> None:
        """End the answer it was made for. Never unset: each answer has its own."""
        self.cell[0] = b"\1"

    def __bool__(self) -> bool:
        return bool(self.cell.raw[0])


class Prompt(Struct, frozen=True, kw_only=True):
    """A rendered prompt: its tokens, and the stop strings of the caller and of the chat format."""

    tokens: list[int]
    stops: tuple[str, ...]
    grammar: Any


class _Rendered(Struct, frozen=True, kw_only=True):
    text: str | list[int]
    stops: tuple[str, ...]
    has_bos: bool


_Render = Callable[[list[dict[str, Any]], list[dict[str, Any]] | None], _Rendered]


class Engine:
    """Loads a model and answers one ask at a time. Not thread-safe, as llama.cpp's context is not.

    Raises:
        CannotLoad: the binding is not installed, or the file, the format or the memory do not allow it.
    """

    def __init__(self, path: str, options: LlamaOptions) -> None:
        self._binding = _import_binding()
        self._log = _Log(self._binding)
        self._llm = _load(self._binding, self._log, path, options)
        self._formats = importlib.import_module("llama_cpp.llama_chat_format")
        self._grammars = importlib.import_module("llama_cpp.llama_grammar")
        self._jinja = importlib.import_module("jinja2")
        self._render, self._native_tools = self._renderer(options.chat_format)
        self.n_ctx: int = self._llm.n_ctx()
        # The callback is asked at every node of the graph. strlen of a cell that holds "" or "\1" is a yes or no that
        # never takes the interpreter's lock; a Python callback here cost 4 % of the speed.
        self._asked_to_abort = ctypes.cast(ctypes.CDLL(None).strlen, self._binding.ggml_abort_callback)

    def prepare(self, ask: ChatAsk) -> Prompt:
        """Everything that can be wrong with an ask shows here, before a token is evaluated. Raises `BadAsk`."""
        grammar = self._grammar(ask)
        messages = plain_messages(ask, native=self._native_tools)
        tools = [msgspec.to_builtins(tool) for tool in ask.offered] if self._native_tools and ask.offered else None
        try:
            rendered = self._render(messages, tools)
        except (*_BAD_TEMPLATE, self._jinja.TemplateError) as error:
            raise BadAsk(f"the model's chat template refused the messages: {error}", param="messages") from error
        text = rendered.text
        tokens = text if isinstance(text, list) else self._tokenize(text, add_bos=not rendered.has_bos)
        tokens = tokens + self._tokenize(opening_for(ask), add_bos=False)
        if len(tokens) >= self.n_ctx:
            message = f"This model's maximum context length is {self.n_ctx} tokens; the messages have {len(tokens)}."
            raise BadAsk(message, param="messages", code="context_length_exceeded")
        return Prompt(tokens=tokens, stops=(*ask.stops, *rendered.stops), grammar=grammar)

    def answer(self, ask: ChatAsk, prompt: Prompt, seed: int, gone: AbortFlag) -> Iterator[Delta | Finish]:
        """Deltas as they come, then one `Finish`.

        Raises:
            Aborted: `gone` was set; within one token, or one node of the graph in prompt evaluation.
            DecodeFailed: llama.cpp failed.
        """
        reader, flow = reader_for(ask), TextFlow(prompt.stops)
        room = self.n_ctx - len(prompt.tokens)
        limit = min(ask.limit or room, room)
        count, reason = 0, "length"
        for token in self._tokens(ask, prompt, seed, gone):
            if self._binding.llama_vocab_is_eog(self._llm._model.vocab, token):
                reason = "stop"
                break
            count += 1
            yield from reader.feed(flow.feed(self._llm.detokenize([token])))
            if flow.stopped or (reader.calls and ask.parallel_tool_calls is False and not ask.forced):
                reason = "stop"
                break
            if count >= limit:
                break
        yield from reader.feed(flow.end())
        yield from reader.end()
        if reason == "stop" and reader.calls:
            reason = "tool_calls"
        yield Finish(reason=reason, prompt_tokens=len(prompt.tokens), completion_tokens=count)

    def _tokens(self, ask: ChatAsk, prompt: Prompt, seed: int, gone: AbortFlag) -> Iterator[int]:
        self._binding.llama_set_abort_callback(
            self._llm.ctx, self._asked_to_abort, ctypes.cast(gone.cell, ctypes.c_void_p)
        )
        self._llm.set_seed((seed if ask.seed is None else ask.seed) & 0xFFFFFFFF)
        sampled = self._llm.generate(
            prompt.tokens,
            temp=ask.heat,
            top_p=1.0 if ask.top_p is None else ask.top_p,
            top_k=ask.top_k,
            min_p=ask.min_p,
            repeat_penalty=ask.repeat_penalty,
            presence_penalty=ask.presence_penalty or 0.0,
            frequency_penalty=ask.frequency_penalty or 0.0,
            grammar=prompt.grammar,
        )
        try:
            for token in sampled:
                if gone:
                    raise Aborted
                yield token
        except RuntimeError as error:
            self._llm.reset()
            if gone and str(error) == _DECODE_ABORTED:
                raise Aborted from error
            raise DecodeFailed(str(error)) from error
        finally:
            sampled.close()

    def _tokenize(self, text: str, *, add_bos: bool) -> list[int]:
        tokens: list[int] = self._llm.tokenize(text.encode(), add_bos=add_bos, special=True) if text else []
        return tokens

    def _grammar(self, ask: ChatAsk) -> Any:
        schema = grammar_schema(ask)
        if schema is None:
            return None
        param = "tools" if ask.forced else "response_format"
        try:
            text = self._grammars.json_schema_to_gbnf(json.dumps(schema)) if schema else self._grammars.JSON_GBNF
        except _BAD_SCHEMA as error:
            raise BadAsk(f"{param}: the schema cannot be made a grammar: {error}", param=param) from error
        grammar = self._grammars.LlamaGrammar.from_string(text, verbose=False)
        # The binding adds a sampler that failed to parse to its chain unchecked: the process would die at once.
        vocab, root = self._llm._model.vocab, grammar._root.encode()
        with _hushed():
            probe = self._binding.llama_sampler_init_grammar(vocab, grammar._grammar.encode(), root)
        if not probe:
            raise BadAsk(f"{param}: llama.cpp cannot read the grammar made of the schema", param=param)
        self._binding.llama_sampler_free(probe)
        return grammar

    def _renderer(self, chat_format: str | None) -> tuple[_Render, bool]:
        """How messages become a prompt, and whether that shows tools to the model."""
        wanted = chat_format or "chat_template.default"
        key = wanted.removeprefix("chat_template.")
        template = self._llm.metadata.get("tokenizer.chat_template" + ("" if key == "default" else f".{key}"))
        if wanted.startswith("chat_template.") and template is not None:
            return self._template_renderer(template), "tools" in template
        name = chat_format or self._llm.chat_format
        try:
            handler = self._formats.get_chat_completion_handler(name)
        except self._formats.LlamaChatCompletionHandlerNotFoundException as error:
            raise CannotLoad(f"no chat format named {name}", permanent=True) from error
        return self._handler_renderer(handler), False

    def _template_renderer(self, template: str) -> _Render:
        eos, bos = self._llm.token_eos(), self._llm.token_bos()
        try:
            formatter = self._formats.Jinja2ChatFormatter(
                template=template,
                eos_token=self._llm._model.token_get_text(eos) if eos != -1 else "",
                bos_token=self._llm._model.token_get_text(bos) if bos != -1 else "",
            )
        except self._jinja.TemplateError as error:
            raise CannotLoad(f"the chat template in the file is broken: {error}", permanent=True) from error

        def render(messages: list[dict[str, Any]], tools: list[dict[str, Any]] | None) -> _Rendered:
            # The end-of-turn text it names as a stop is a token here, and ends the answer as one.
            return _Rendered(text=formatter(messages=messages, tools=tools).prompt, stops=(), has_bos=True)

        return render

    def _handler_renderer(self, handler: Callable[..., object]) -> _Render:
        def render(messages: list[dict[str, Any]], tools: list[dict[str, Any]] | None) -> _Rendered:
            taker = _PromptTaker(self._llm)
            try:
                handler(llama=taker, messages=messages)
            except _Taken:
                return taker.rendered
            raise TypeError("the chat format asked for no completion")

        return render


@contextmanager
def _hushed() -> Iterator[None]:
    """Native code prints a grammar it cannot read: a caller's words, and stderr ends up in messages for others."""
    kept, null = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(null)


class _Taken(Exception):
    """The prompt is known; the handler need not go on."""


class _PromptTaker:
    """Stands where a chat handler expects its model. The binding's named formats give their prompt in no other way."""

    verbose = False

    def __init__(self, llm: Any) -> None:
        self._llm = llm

    def tokenize(self, text: bytes, add_bos: bool = True, special: bool = False) -> list[int]:
        tokens: list[int] = self._llm.tokenize(text, add_bos=add_bos, special=special)
        return tokens

    def create_completion(self, *, prompt: str | list[int], stop: list[str] | None = None, **_: object) -> None:
        self.rendered = _Rendered(text=prompt, stops=tuple(stop or ()), has_bos=False)
        raise _Taken


class _Log:
    """llama.cpp's own words. The binding prints its warnings and drops its errors: it counts levels otherwise.

    Source: https://github.com/ggml-org/llama.cpp/blob/master/ggml/include/ggml.h, enum ggml_log_level (from memory).
    """

    _ERROR = 4
    _ABORTED = b"ret = 2"

    def __init__(self, binding: Any) -> None:
        self.first = ""
        self._callback = binding.llama_log_callback(self._take)  # kept: native code holds only its address
        binding.llama_log_set(self._callback, ctypes.c_void_p(0))

    def _take(self, level: int, text: bytes, _: object) -> None:
        if level == self._ERROR and self._ABORTED not in text:
            self.first = (
                self.first or text.decode(errors="replace").strip()
            )  # the later ones only repeat that it failed
            os.write(2, text)


def _import_binding() -> Any:
    try:
        return importlib.import_module("llama_cpp")
    except ImportError as error:
        why = f"llama-cpp-python is not installed; `make setup` builds it ({error})"
        raise CannotLoad(why, permanent=True) from error
    except (OSError, RuntimeError) as error:  # its shared library does not load on this machine
        raise CannotLoad(f"llama-cpp-python cannot be loaded: {error}", permanent=True) from error


def _load(binding: Any, log: _Log, path: str, options: LlamaOptions) -> Any:
    # What a container gives us, where the system can tell; cpu_count is the whole machine.
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        return binding.Llama(
            path,
            n_ctx=options.n_ctx,
            n_threads=options.n_threads or max(1, processors // 2),
            n_threads_batch=options.n_threads_batch or max(1, processors - 1),
            n_gpu_layers=options.n_gpu_layers,
            flash_attn=options.flash_attn,
            type_k=_GGML_TYPES[options.type_k],
            type_v=_GGML_TYPES[options.type_v],
            n_batch=options.n_batch,
            verbose=False,
        )
    except MemoryError as error:
        raise CannotLoad("not enough memory", permanent=False) from error
    except (ValueError, RuntimeError) as error:
        # A file that cannot be read will not be readable later; a context that did not fit may fit then.
        permanent = "Failed to load model" in str(error)
        why = f"{error} ({log.first})" if log.first else str(error)
        raise CannotLoad(why.replace(path, path.rpartition("/")[2]), permanent=permanent) from error
