"""The page of a server in a real browser: what is typed or pasted is sent as OpenAPI wants it, and the answer is shown."""

from __future__ import annotations

import html
import importlib.resources
import json
import re
import subprocess

import pytest

from neurarium.serving.rows import Prose
from neurarium.serving.schemas import NUMBER, TEXT, TIME, file_of, list_of, made_of

SWITCHES = (
    "--headless --no-sandbox --disable-gpu --no-first-run --disable-extensions --virtual-time-budget=8000"
)
PROBE = """
<script>
const openapi = {info: {title: "neurarium: it", description: "Asked: to tell."}, components: {schemas: {Example: SCHEMA}}}, sent = [];
window.fetch = async (path, given = {}) => {
  if (given.body) sent.push(given.body);
  const said = path.startsWith("openapi") ? openapi : {predictions: [ANSWER]};
  if (given.body && JSON.parse(given.body).stream) {
    const lines = [{piece: "or not "}, {piece: "to be"}, said].map((each) => JSON.stringify(each) + "\\n").join("");
    return new Response(new Blob([lines.slice(0, 9), lines.slice(9)]).stream());
  }
  return {ok: true, status: 200, json: async () => said};
};
window.addEventListener("load", () => setTimeout(() => {
  for (const [name, text] of Object.entries(TYPED)) document.getElementsByName(name)[0].value = text;
  document.querySelector("#form button").click();
  let before = "", same = 0, tries = 0;
  const settled = setInterval(() => {
    const now = document.getElementById("result").textContent;
    same = now && now === before ? same + 1 : 0;
    before = now;
    if (same < 10 && ++tries < 60) return;
    clearInterval(settled);
    const shown = [...document.querySelectorAll("#result td, #result th, #result p, #result .error")];
    const told = {sent, shown: shown.map((each) => each.textContent), curl: document.getElementById("curl").textContent,
      asked: document.getElementById("asked").textContent, areas: document.querySelectorAll("textarea").length};
    const place = document.createElement("pre");
    place.id = "probe"; place.textContent = JSON.stringify(told);
    document.body.append(place);
  }, 100);
}, 300));
</script>
"""
HISTORY = made_of({"rows": list_of(made_of({"day": TIME, "load": {"type": ["number", "null"]}}))})
PROMPT = made_of({"prompt": TEXT, "tokens": {"type": "integer", "examples": [200]}, "text": TEXT}, [])
SERIES = made_of({"series": list_of({"type": ["number", "null"]})})

pytestmark = pytest.mark.browser


def probed(chromium, folder, schema, typed, answer):
    page = (importlib.resources.files("neurarium.serving") / "page.html").read_text(encoding="utf-8")
    probe = (
        PROBE.replace("SCHEMA", json.dumps(schema))
        .replace("TYPED", json.dumps(typed))
        .replace("ANSWER", json.dumps(answer))
    )
    (folder / "page.html").write_text(page.replace("<script>", probe + "<script>", 1), encoding="utf-8")
    line = [
        chromium,
        *SWITCHES.split(),
        "--dump-dom",
        f"--user-data-dir={folder / 'profile'}",
        (folder / "page.html").as_uri(),
    ]
    done = subprocess.run(line, capture_output=True, text=True, timeout=120, check=True)
    return json.loads(html.unescape(re.search(r'<pre id="probe">(.*?)</pre>', done.stdout, re.DOTALL)[1]))


def test_rows_are_pasted_as_csv_and_a_forecast_is_a_table(chromium, tmp_path):
    answer = {"forecast": [{"day": "2024-01-03", "prediction": 3.25, "low": 1.5, "high": 5.0}]}
    found = probed(chromium, tmp_path, HISTORY, {"rows": "day,load\n2024-01-01,3\n2024-01-02,"}, answer)
    assert json.loads(found["sent"][0]) == {
        "rows": [{"day": "2024-01-01", "load": 3}, {"day": "2024-01-02", "load": None}]
    }
    assert {"day", "prediction", "2024-01-03", "3.2500"} <= set(found["shown"])
    assert '"rows"' in found["curl"]


def test_a_prompt_is_sent_with_its_options_and_an_empty_field_is_not(chromium, tmp_path):
    answer = {"text": "or not to be", "tokens": 12, "ended": "length"}
    found = probed(chromium, tmp_path, PROMPT, {"prompt": "to be"}, answer)
    assert json.loads(found["sent"][0]) == {"prompt": "to be", "tokens": 200}
    assert any("or not to be" in each for each in found["shown"])


def test_a_prompt_is_answered_in_pieces_where_the_run_can(chromium, tmp_path):
    schema = made_of({"prompt": TEXT, "stream": {"type": "boolean"}}, [])
    answer = {"text": "or not to be", "tokens": 12, "ended": "length"}
    found = probed(chromium, tmp_path, schema, {"prompt": "to be"}, answer)
    assert json.loads(found["sent"][0]) == {"prompt": "to be", "stream": True}
    assert "text: or not to be" in found["shown"] and "tokens: 12" in found["shown"]


@pytest.mark.parametrize(("typed", "sent"), [("1, 2\n3.5", [1, 2, 3.5]), ("[1, null]", [1, None])])
def test_numbers_are_typed_as_they_come(typed, sent, chromium, tmp_path):
    answer = {"prediction": "walk", "probabilities": {"walk": 0.75, "run": 0.25}}
    found = probed(chromium, tmp_path, SERIES, {"series": typed}, answer)
    assert json.loads(found["sent"][0]) == {"series": sent}
    assert {"walk", "75.00 %"} <= set(found["shown"])


def test_a_column_of_texts_has_room_and_the_page_says_what_is_asked(chromium, tmp_path):
    review = Prose("review", frozenset()).schema(None)
    typed = {"review": "fine,\nall of it"}
    found = probed(chromium, tmp_path, made_of({"review": review}), typed, {"prediction": "good"})
    assert json.loads(found["sent"][0]) == typed
    assert found["areas"] == 1 and '{"review":"..."}' in found["curl"] and found["asked"] == "Asked: to tell."


def test_what_is_no_json_is_told(chromium, tmp_path):
    found = probed(chromium, tmp_path, SERIES, {"series": "[1, 2"}, {})
    assert not found["sent"] and "neither JSON nor CSV" in found["shown"][0]


def test_the_command_for_files_is_a_form(chromium, tmp_path):
    found = probed(
        chromium, tmp_path, made_of({"sound": file_of("audio", "a recording")}), {}, {"label": NUMBER}
    )
    assert "-F file=@recording.wav" in found["curl"]
    assert json.loads(found["sent"][0]) == {"sound": None}
