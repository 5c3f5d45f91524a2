"""A language model that says what a test wants, by OpenAI's protocol."""

import asyncio
import json

from aiohttp import web

from far_server import FarServer


class Model:
    """Answers each question by the next of its answers: a text, a list of words, a status, or a coroutine."""

    def __init__(self, usual=None):
        self.answers, self.questions, self.keys = [], [], []
        # Said where no answer is left.
        self.usual = usual
        self.far = FarServer({"v1": self.answer})

    async def answer(self, request):
        self.questions.append(json.loads(await request.read()))
        self.keys.append(request.headers.get("Authorization"))
        answer = self.answers.pop(0) if self.answers or self.usual is None else self.usual
        if isinstance(answer, int):
            return web.json_response({"error": {"message": f"not now, {self.keys[-1]}"}}, status=answer)
        if isinstance(answer, dict):
            return web.json_response(answer)
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        words = answer.split(" ") if isinstance(answer, str) else answer
        for index, word in enumerate(words):
            if word is None:
                request.transport.abort()
                return response
            text = word if index == 0 else f" {word}"
            await self.say(response, {"model": "m-1", "choices": [{"delta": {"content": text}}]})
        await self.say(response, {"choices": [{"delta": {}, "finish_reason": "stop"}]})
        usage = {"prompt_tokens": 7, "completion_tokens": len(words), "total_tokens": 7 + len(words)}
        await self.say(response, {"choices": [], "usage": usage})
        await response.write(b"data: [DONE]\n\n")
        return response

    async def say(self, response, data):
        await response.write(f"data: {json.dumps(data)}\n\n".encode())
        await asyncio.sleep(0)
