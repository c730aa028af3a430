"""What of a conversation goes back to the gateway."""

from __future__ import annotations

from qalqan_ui.conversation import HISTORY_TURNS, Conversation, Turn


def test_only_answered_turns_are_remembered() -> None:
    past = [
        Turn("жақсы", "жауап", "answered"),
        Turn("бөгелді", "жоқ", "blocked"),
        Turn("ауыр", "карта", "crisis"),
        Turn("бұзылды", "", "failed"),
        Turn("үзілді", "жарты", fault="fault_broken"),
        Turn("тоқтады", "жартысы", stopped=True),
        Turn("сұрақ"),
    ]
    assert Conversation(turns=past).messages() == [
        {"role": "user", "content": "жақсы"},
        {"role": "assistant", "content": "жауап"},
        {"role": "user", "content": "тоқтады"},
        {"role": "assistant", "content": "жартысы"},
        {"role": "user", "content": "сұрақ"},
    ]


def test_history_is_bounded() -> None:
    past = [Turn(f"сұрақ {n}", "жауап", "answered") for n in range(50)]
    messages = Conversation(turns=[*past, Turn("соңғы")]).messages()
    assert len(messages) == 2 * HISTORY_TURNS + 1
    assert messages[0]["content"] == f"сұрақ {50 - HISTORY_TURNS}"


def test_stopping_ends_a_running_turn_only() -> None:
    done, running = Turn("а", "б", running=False), Turn("в")
    done.stop()
    running.stop()
    assert (done.stopped, running.stopped, running.running) == (False, True, False)
