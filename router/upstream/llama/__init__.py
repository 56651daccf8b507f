"""The embedded model: GGUF files answered by llama.cpp in one worker process each, behind the `Transport` protocol.

options, gguf     what may be configured; what a model file says about itself
frames            how the router and a worker talk
transport, worker_process, reply    the router's side; never imports llama_cpp
worker, engine, chat, tools, text, answer    the worker's side
"""
