// The official Node packages as clients of a served router: what each puts together is compared with the recording.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import Anthropic from "@anthropic-ai/sdk";
import { createAnthropic } from "@ai-sdk/anthropic";
import { createOpenAI } from "@ai-sdk/openai";
import { generateText, jsonSchema, streamText, tool } from "ai";
import OpenAI from "openai";

const url = process.env.POINTSMAN_URL;
const cases = JSON.parse(readFileSync(process.env.POINTSMAN_CASES, "utf8"));

const openai = new OpenAI({ baseURL: `${url}/v1`, apiKey: "unused", maxRetries: 0 });
const anthropic = new Anthropic({ baseURL: url, apiKey: "unused", maxRetries: 0 });
const aiOpenai = createOpenAI({ baseURL: `${url}/v1`, apiKey: "unused" });
const aiAnthropic = createAnthropic({ baseURL: `${url}/v1`, apiKey: "unused" });

const GO = [{ role: "user", content: "Go on." }];
const ANYTHING = { type: "object", properties: {} };

const toolsOf = (wanted, make) => {
  const names = [...new Set(wanted.calls.map(([name]) => name))];
  return names.length ? { tools: names.map(make) } : {};
};

async function chat(wanted) {
  const tools = toolsOf(wanted, (name) => ({ type: "function", function: { name, parameters: ANYTHING } }));
  const asked = { model: wanted.model, messages: GO, ...tools };
  const reply = wanted.streamed
    ? await openai.chat.completions
        .stream({ ...asked, stream_options: { include_usage: true } })
        .finalChatCompletion()
    : await openai.chat.completions.create(asked);
  const { message, finish_reason: ending } = reply.choices[0];
  const usage = reply.usage && [reply.usage.prompt_tokens, reply.usage.total_tokens - reply.usage.prompt_tokens];
  return {
    text: (message.content ?? "") + (message.refusal ?? ""),
    calls: (message.tool_calls ?? []).map((call) => [call.function.name, JSON.parse(call.function.arguments)]),
    ending,
    usage: usage ?? null,
  };
}

async function responses(wanted) {
  const tools = toolsOf(wanted, (name) => ({ type: "function", strict: false, name, parameters: ANYTHING }));
  const asked = { model: wanted.model, input: GO, ...tools };
  const reply = wanted.streamed
    ? await openai.responses.stream(asked).finalResponse()
    : await openai.responses.create(asked);
  const parts = reply.output.filter((item) => item.type === "message").flatMap((item) => item.content);
  const calls = reply.output.filter((item) => item.type === "function_call");
  return {
    text: parts.map((part) => part.text ?? part.refusal).join(""),
    calls: calls.map((call) => [call.name, JSON.parse(call.arguments)]),
    ending: reply.incomplete_details?.reason ?? reply.status,
    usage: [reply.usage.input_tokens, reply.usage.output_tokens],
  };
}

async function messages(wanted) {
  const tools = toolsOf(wanted, (name) => ({ name, input_schema: ANYTHING }));
  const asked = { model: wanted.model, messages: GO, max_tokens: 1024, ...tools };
  const reply = wanted.streamed
    ? await anthropic.messages.stream(asked).finalMessage()
    : await anthropic.messages.create(asked);
  const { usage } = reply;
  const cached = (usage.cache_read_input_tokens ?? 0) + (usage.cache_creation_input_tokens ?? 0);
  return {
    text: reply.content.filter((block) => block.type === "text").map((block) => block.text).join(""),
    calls: reply.content.filter((block) => block.type === "tool_use").map((block) => [block.name, block.input]),
    ending: reply.stop_reason,
    usage: [usage.input_tokens + cached, usage.output_tokens],
  };
}

const SDKS = { chat, responses, messages };
const MODELS = {
  chat: (name) => aiOpenai.chat(name),
  responses: (name) => aiOpenai.responses(name),
  messages: (name) => aiAnthropic(name),
};

async function ai(wanted) {
  const names = wanted.calls.map(([name]) => [name, tool({ inputSchema: jsonSchema(ANYTHING) })]);
  const failed = [];
  const asked = {
    model: MODELS[wanted.front](wanted.model),
    messages: GO,
    maxRetries: 0,
    tools: Object.fromEntries(names),
    onError: ({ error }) => failed.push(error),
  };
  const reply = wanted.streamed ? streamText(asked) : await generateText(asked);
  const [text, calls] = [await reply.text, await reply.toolCalls];
  assert.deepEqual(failed, []);
  // What the provider carried out itself is no call for the caller, though this package lists it among them.
  const own = calls.filter((call) => !call.providerExecuted);
  return { text, calls: own.map((call) => [call.toolName, call.input]) };
}

const expected = ({ text, calls, ending, usage }) => ({ text, calls, ending, usage });

for (const wanted of cases) {
  const way = `${wanted.front} ${wanted.streamed ? "streamed" : "whole"}`;
  test(`${way}: ${wanted.id}`, async () => {
    assert.deepEqual(await SDKS[wanted.front](wanted), expected(wanted));
  });
  test(`ai ${way}: ${wanted.id}`, async () => {
    const { text, calls } = expected(wanted);
    assert.deepEqual(await ai(wanted), { text, calls });
  });
}
