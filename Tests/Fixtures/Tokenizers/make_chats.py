"""Writes chats.json: chat templates of the families' formats, and what transformers renders of them.

The templates are written for these tests after the formats that the families publish; the texts are
those of `apply_chat_template`. The tiny model llama-deepseek-llm gets its family's. Run: python make_chats.py [folder]
"""
import json, os, sys

from tokenizers import Tokenizer, models
from transformers import PreTrainedTokenizerFast

HERE = os.path.dirname(os.path.abspath(__file__))
BEGIN, END = "<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>"

DEEPSEEK_LLM = """{% if not add_generation_prompt is defined %}{% set add_generation_prompt = false %}{% endif %}
{{ bos_token }}
{%- for m in messages %}
    {%- if m['role'] == 'user' %}
{{ 'User: ' + m['content'] + '\\n\\n' }}
    {%- elif m['role'] == 'assistant' %}
{{ 'Assistant: ' + m['content'] + eos_token }}
    {%- elif m.role == 'system' %}
{{ m['content'] + '\\n\\n' }}
    {%- else -%}
{{ raise_exception('The role ' ~ m.role ~ ' is unknown.') }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
{{ 'Assistant:' }}
{%- endif %}
"""

CODER = """{% set ns = namespace(system=false) %}
{% for m in messages %}
{% if m.role == 'system' %}{% set ns.system = true %}{% endif %}
{% endfor %}
{{ bos_token -}}
{% if not ns.system %}
{{- 'You are a programming assistant; answer questions about code only.\\n' }}
{% endif %}
{% for m in messages %}
  {% if m.role == 'system' %}
{{ m.content }}
  {% elif m.role == 'user' %}
{{ '### Instruction:\\n' + m.content + '\\n' }}
  {% else %}
{{ '### Response:\\n' + m.content + '\\n<|EOT|>\\n' }}
  {% endif %}
{% endfor %}
{{ '### Response:\\n' if add_generation_prompt }}"""

R1 = """{% set ns = namespace(system='', first=true, tool=false) %}
{%- for m in messages -%}
  {%- if m['role'] == 'system' -%}
    {%- set ns.system = ns.system + m['content'] if ns.first else ns.system ~ '\\n\\n' ~ m['content'] -%}
    {%- set ns.first = false -%}
  {%- endif -%}
{%- endfor -%}
{{ bos_token }}{{ ns.system }}
{%- for m in messages %}
  {%- if m['role'] == 'user' %}
    {%- set ns.tool = false -%}
    {{- '<｜User｜>' + m['content'] -}}
  {%- elif m['role'] == 'assistant' and (m['content'] is not defined or m['content'] is none) -%}
    {%- for call in m['tool_calls'] -%}
      {{- '<｜tool▁call▁begin｜>' + call['type'] + '<｜tool▁sep｜>' + call['function']['name'] + '\\n' + call['function']['arguments'] | tojson + '<｜tool▁call▁end｜>' -}}
      {%- if not loop.last %}{{ '\\n' }}{% endif -%}
    {%- endfor -%}
    {{- eos_token -}}
  {%- elif m['role'] == 'assistant' -%}
    {%- set content = m['content'] -%}
    {%- if '</think>' in content -%}
      {%- set content = content.split('</think>')[-1] -%}
    {%- endif -%}
    {{- '<｜Assistant｜>' + content + eos_token -}}
  {%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt and not ns.tool -%}
{{ '<｜Assistant｜><think>\\n' }}
{%- endif %}"""

V31 = """{%- if thinking is not defined %}{% set thinking = false %}{% endif -%}
{%- set ns = namespace(system='', last=-1) -%}
{%- for m in messages -%}
  {%- if m.role == 'system' %}{% set ns.system = (ns.system ~ '\\n\\n' if ns.system else '') ~ m.content %}{% endif -%}
  {%- if m.role == 'user' %}{% set ns.last = loop.index0 %}{% endif -%}
{%- endfor -%}
{{ bos_token }}{{ ns.system }}
{%- for m in messages -%}
  {%- if m.role == 'user' -%}
    {{ '<｜User｜>' ~ m.content }}
  {%- elif m.role == 'assistant' -%}
    {{ '<｜Assistant｜>' }}
    {%- if m.prefix is defined and m.prefix and thinking %}{{ '<think>' }}{% else %}{{ '</think>' }}{% endif -%}
    {{ m.content.split('</think>', 1)[1] if '</think>' in m.content else m.content }}{{ eos_token }}
  {%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt and messages[-1].role == 'user' -%}
  {{ '<｜Assistant｜>' }}{{ '<think>' if thinking else '</think>' }}
{%- endif -%}"""

CHATML = """{%- if messages[0].role != 'system' %}
    {{- '<|im_start|>system\\nYou are a helpful assistant.<|im_end|>\\n' }}
{%- endif %}
{%- for message in messages %}
    {{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>' + '\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' }}
{%- endif %}
"""

QWEN3 = """{%- if messages[0].role == 'system' %}
    {{- '<|im_start|>system\\n' + messages[0].content + '<|im_end|>\\n' }}
{%- endif %}
{%- set ns = namespace(open=true, last=messages|length - 1) %}
{%- for message in messages[::-1] %}
    {%- set index = (messages|length - 1) - loop.index0 %}
    {%- if ns.open and message.role == "user" and message.content is string and not (message.content.startswith('<tool_response>') and message.content.endswith('</tool_response>')) %}
        {%- set ns.open = false %}
        {%- set ns.last = index %}
    {%- endif %}
{%- endfor %}
{%- for message in messages %}
    {%- if message.content is string %}{%- set content = message.content %}{%- else %}{%- set content = '' %}{%- endif %}
    {%- if (message.role == "user") or (message.role == "system" and not loop.first) %}
        {{- '<|im_start|>' + message.role + '\\n' + content + '<|im_end|>' + '\\n' }}
    {%- elif message.role == "assistant" %}
        {%- set reasoning = '' %}
        {%- if message.reasoning_content is string %}
            {%- set reasoning = message.reasoning_content %}
        {%- elif '</think>' in content %}
            {%- set reasoning = content.split('</think>')[0].rstrip('\\n').split('<think>')[-1].lstrip('\\n') %}
            {%- set content = content.split('</think>')[-1].lstrip('\\n') %}
        {%- endif %}
        {%- if loop.index0 > ns.last and (loop.last or (not loop.last and reasoning)) %}
            {{- '<|im_start|>' + message.role + '\\n<think>\\n' + reasoning.strip('\\n') + '\\n</think>\\n\\n' + content.lstrip('\\n') }}
        {%- else %}
            {{- '<|im_start|>' + message.role + '\\n' + content }}
        {%- endif %}
        {%- for call in message.tool_calls or [] %}
            {{- '\\n<tool_call>\\n{"name": "' ~ call.name ~ '", "arguments": ' ~ (call.arguments | tojson) ~ '}\\n</tool_call>' }}
        {%- endfor %}
        {{- '<|im_end|>\\n' }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' }}
    {%- if enable_thinking is defined and enable_thinking is false %}
        {{- '<think>\\n\\n</think>\\n\\n' }}
    {%- endif %}
{%- endif %}"""

LLAMA3 = """{% set parts = messages %}
{% for message in parts %}
    {% set content = '<|start_header_id|>' + message['role'] + '<|end_header_id|>\\n\\n' + message['content'] | trim + '<|eot_id|>' %}
    {% if loop.index0 == 0 %}{% set content = bos_token + content %}{% endif %}
    {{- content }}
{% endfor %}
{% if add_generation_prompt %}
    {{- '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}
{%- endif %}
"""

# The rest of the language: operators, slices, filters, tests, white space.
LANGUAGE = """{# a comment
over lines #}
  {% set numbers = [3, 1, 2] + [5] %}
\t {%+ if true %} kept {% endif +%}
{{ numbers[0] + numbers[-1] * 2 }} {{ 7 // 2 }} {{ -7 // 2 }} {{ -7 % 3 }} {{ 7 / 2 }} {{ 2 - -3 }}
{{ 'a' 'b' ~ 1 ~ none ~ true ~ 1.5 }}|{{ numbers|length ~ 'x' }}|{{ nothing }}|{{ nothing | default('d') }}|{{ '' | default('e', true) }}
{% for n in numbers if n > 1 %}{{ loop.index }}/{{ loop.length }}:{{ n }}{% if not loop.last %}, {% endif %}{% else %}none{% endfor %};
{% for n in [] %}{{ n }}{% else %}empty{% endfor %}

{% for k, v in {'b': 1, 'a': [1, {'c': none}]}.items() %}{{ k }}={{ v | tojson }} {% endfor %}
{{ messages | tojson }}
{{ messages[0] | tojson(indent=2) }}
{{ numbers[1:] | join('-') }} {{ numbers[::-1] | join('-') }} {{ 'abcdef'[1:-1] }} {{ 'abcdef'[::2] }} {{ numbers[:2] | join }} {{ 'abc'[5:] }}
{{ ' a b  c '.split() | join('_') }} {{ 'a,b,,c'.split(',') | join('_') }} {{ 'a,b,c'.split(',', 1)[-1] }} {{ 'xxhixx'.strip('x') }} {{ 'aXbX'.replace('X', '--') }}
{{ 1 < 2 < 3 }} {{ 'a' in 'cat' }} {{ 'z' not in 'cat' }} {{ 2 in numbers }} {{ 'role' in messages[0] }} {{ not true or true }} {{ 1 == true }} {{ 'a' < 'b' }}
{{ 5 is odd }} {{ 4 is divisibleby 2 }} {{ nothing is undefined }} {{ none is none }} {{ 'x' is string }} {{ {} is mapping }} {{ 1 is not string }} {{ [] is iterable }}
{{ 'yes' if numbers else 'no' }}{{ 'only' if false }} {{ ('a', 'b')[1] }} {{ 'HeLLo' | lower }} {{ 'hello' | upper }} {{ 'hello wORLD' | capitalize }}
{% set block %}in {{ numbers | first }} and {{ numbers | last }}{% endset %}{{ block }}
{% for n in range(10) %}{% if n == 2 %}{% continue %}{% endif %}{% if n == 4 %}{% break %}{% endif %}{{ n }}{% endfor %}
{{ messages | map(attribute='role') | join(',') }} {{ messages | selectattr('role', 'equalto', 'user') | list | length }} {{ messages | rejectattr('name') | list | length }}
{%- set a, b = 1, 'two' %} {{ a }}{{ b }} {{ 'é\\u00e9\\x41\\t|' }} {{ '12' | int + 1 }} {{ 'x'.startswith(('y', 'x')) }} {{ messages[0].get('none', 'standard') }}
  {{- '  left' }}   {{ 'right  ' -}}   
end {{ "{{ not a tag }}" }} {{ {'a': {'b': 2}}['a']['b'] }}
 {%- if numbers and numbers[0] == 3 -%} trimmed {%- endif %}

"""

TALK = [dict(role="user", content="患者患有高血压，需要？"), dict(role="assistant", content="降压。"), dict(role="user", content=" And in \"English\"?\n ")]
SYSTEM = [dict(role="system", content="Be brief.")] + TALK
REASONING = [dict(role="user", content="1+1?"), dict(role="assistant", content="<think>\nadd\n</think>\n\n2"), dict(role="user", content="2+2?"),
             dict(role="assistant", content="<think>\nagain\n</think>\n\n4 👍🏽")]
TOOLS = [dict(role="user", content="weather"), dict(role="assistant", content=None, tool_calls=[
    dict(type="function", name="get", arguments=dict(city="北京", days=[1, 2.5], ok=True), function=dict(name="get", arguments=dict(city="北京", quote='"\\\n')))])]
TWO = [dict(role="system", content="A"), dict(role="system", content="B"), dict(role="user", content="c")]

FAMILIES = {
    "deepseek-llm": (DEEPSEEK_LLM, BEGIN, END, [TALK, SYSTEM], [{}]),
    "deepseek-coder": (CODER, BEGIN, "<|EOT|>", [TALK, SYSTEM], [{}]),
    "deepseek-r1": (R1, BEGIN, END, [TALK, SYSTEM, REASONING, TOOLS, TWO], [{}]),
    "deepseek-v3.1": (V31, BEGIN, END, [TALK, SYSTEM, REASONING, TWO], [{}, dict(thinking=True), dict(thinking=False)]),
    "chatml": (CHATML, None, "<|im_end|>", [TALK, SYSTEM], [{}]),
    "qwen3": (QWEN3, None, "<|im_end|>", [TALK, SYSTEM, REASONING, TOOLS], [{}, dict(enable_thinking=False), dict(enable_thinking=True)]),
    "llama3": (LLAMA3, "<|begin_of_text|>", "<|eot_id|>", [TALK, SYSTEM], [{}]),
    "language": (LANGUAGE, None, None, [SYSTEM, TOOLS], [{}]),
}


def main(folder):
    # The library leaves members out that are none, and says that there are no tools and documents.
    def seen(messages):
        return [{k: v for k, v in m.items() if v is not None} for m in messages]

    cases = []
    for family, (template, begin, end, conversations, options) in FAMILIES.items():
        names = {k: v for k, v in dict(bos_token=begin, eos_token=end).items() if v}
        tokenizer = PreTrainedTokenizerFast(tokenizer_object=Tokenizer(models.BPE()), **names)
        tokenizer.chat_template = template
        for messages in conversations:
            for option in options:
                for prompt in (True, False):
                    text = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=prompt, **option)
                    cases.append(dict(family=family, variables=dict(messages=seen(messages), tools=None, documents=None, add_generation_prompt=prompt, **names, **option), text=text))
    with open(os.path.join(folder, "chats.json"), "w", encoding="utf-8") as f:
        f.write('{"templates":' + json.dumps({k: v[0] for k, v in FAMILIES.items()}, ensure_ascii=False) + ',\n"cases":[\n'
                + ",\n".join(json.dumps(c, ensure_ascii=False, separators=(",", ":")) for c in cases) + "\n]}\n")
    if folder == HERE:
        with open(os.path.join(HERE, "../Models/llama-deepseek-llm/chat_template.jinja"), "w", encoding="utf-8") as f:
            f.write(DEEPSEEK_LLM)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else HERE)
