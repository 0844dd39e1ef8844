"""What the server keeps of those who call it: a visitor's work, and nothing of calls that are over."""

import weakref

import gradio as gr
from gradio.routes import App

from sargan_hf.demo.memory_cleanup import forget_bare_sessions, return_free_memory


def test_calls_of_the_api_are_forgotten_and_visitors_are_not():
    with gr.Blocks() as page:
        gr.State()
    App.create_app(page)
    holder = page.state_holder
    for number in range(50):
        holder[f"call {number}"].blocks_config  # noqa: B018, gradio opens the session
    holder["visitor"].state_data[0] = "a picture"
    assert forget_bare_sessions(page, idle_seconds=60) == 0
    assert forget_bare_sessions(page, idle_seconds=-1) == 50
    assert list(holder.session_data) == list(holder.time_last_used) == ["visitor"]
    assert holder["call 1"].state_data == {}  # and who comes back is served


def test_what_calls_leave_in_cycles_is_collected():
    class Answer:
        pass

    answer = Answer()
    answer.itself = answer
    left = weakref.ref(answer)
    del answer
    return_free_memory()
    assert left() is None
