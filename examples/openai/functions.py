"""A function of the client in a run that waits for it, over hours if need be, without a connection or a process.

pip install openai && outlive serve & python functions.py vendor/model
"""

import json
import os
import sys

from openai import OpenAI

client = OpenAI(
    base_url=os.environ.get("OPENAI_BASE_URL", "http://127.0.0.1:4600/openai/v1"),
    api_key=os.environ.get("OUTLIVE_KEY", "none"),  # a key of `outlive keys`; any word where the server is open
)
ask = {
    "model": sys.argv[1],
    "tools": [
        {
            "type": "function",
            "name": "weather",
            "description": "The weather of a city.",
            "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
        }
    ],
}


def weather(city):
    return f"It is sunny in {city}."


response = client.responses.create(**ask, input="What is the weather in Bern?")
# The response has ended with its calls; its run is parked until each of them has an answer.
while calls := [item for item in response.output if item.type == "function_call"]:
    answers = [
        {"type": "function_call_output", "call_id": call.call_id, "output": weather(**json.loads(call.arguments))}
        for call in calls
    ]
    response = client.responses.create(**ask, previous_response_id=response.id, input=answers)
print(response.output_text)
