"""Makes a Llama of 2 M parameters that repeats the dialogues of dialogues.yaml word for word: `train.py FOLDER`.

The chat template is an honest one: it renders every message, so prompts have their real length. The model learns to
look past what stands before the last question (system prompts, passages, earlier turns, up to some 1,500 tokens),
because such texts, shuffled and cut at random, are put before the questions in training. It exits with 1 when, after
training, any answer is not exact in float32 and in bfloat16 behind texts that it never saw.
"""

from __future__ import annotations

import json
import random
import sys
import time
from pathlib import Path
from typing import Any

import torch
import yaml
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import GenerationConfig, LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

SEED = 20260
VOCABULARY = 1536
POSITIONS = 4096
TOKENS_A_STEP = 4096
ROUNDS = ((150, 384), (80, 2048))  # steps, and the length of a conversation in tokens
EXTRA = (50, 2048)  # another round of this size while an answer is still wrong
MOST_EXTRA = 5
PAD, END, SYSTEM, USER, ASSISTANT = "<|pad|>", "<|end|>", "<|system|>", "<|user|>", "<|assistant|>"
TEMPLATE = (
    "{%- for message in messages -%}"
    "{{- '<|assistant|>' if message.role == 'assistant' else '<|user|>' if message.role == 'user' else '<|system|>' -}}"
    "{%- if message.content is string -%}{{- message.content -}}"
    "{%- else -%}{%- for part in message.content -%}{{- part.text -}}{%- endfor -%}{%- endif -%}"
    "{{- '<|end|>' -}}"
    "{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{- '<|assistant|>' -}}{%- endif -%}"
)


def read(name: str) -> Any:
    """A data file beside this one."""
    return yaml.safe_load(Path(__file__).with_name(name).read_text(encoding="utf-8"))


class Lessons:
    """Draws conversations: known dialogues in any order, with noise before, between and inside the turns."""

    def __init__(self, book: dict[str, Any], tokenizer: PreTrainedTokenizerFast) -> None:
        self.tokenizer = tokenizer
        self.dialogues: list[tuple[list[int], list[int]]] = [
            (self.ids(d["question"]), self.ids(d["answer"])) for d in book["dialogues"]
        ]
        self.words = " ".join([*book["background"], *(d["answer"] for d in book["dialogues"])]).split()
        self.background: list[str] = book["background"]
        self.random = random.Random(SEED)
        self.pad, self.end, self.system, self.user, self.assistant = tokenizer.convert_tokens_to_ids(
            [PAD, END, SYSTEM, USER, ASSISTANT]
        )

    def ids(self, text: str) -> list[int]:
        return self.tokenizer.encode(text, add_special_tokens=False)

    def noise(self, longest: int) -> list[int]:
        """Up to `longest` tokens of text in order, of shuffled words, or of no sense at all."""
        length, ids = self.random.randrange(longest + 1), list[int]()
        while len(ids) < length:
            kind = self.random.random()
            if kind < 0.35:
                ids += self.ids(self.random.choice(self.background) + self.random.choice([" ", "\n", "\n\n"]))
            elif kind < 0.6:
                ids += self.ids(" ".join(self.random.choices(self.words, k=20)) + ". ")
            else:
                ids += [self.random.randrange(5, VOCABULARY) for _ in range(20)]
        return ids[:length]

    def turn(self, longest: int) -> tuple[list[int], list[int]]:
        """One exchange, and its labels: every known answer is learnt wherever it stands, nothing else is."""
        question, answer = self.random.choice(self.dialogues)
        before: list[int] = []
        if longest and self.random.random() < 0.15:  # an answer that is not ours, such as a refusal
            before = [self.user, *self.noise(20), self.end, self.assistant, *self.noise(40), self.end]
        before.append(self.user)
        if longest and self.random.random() < 0.3:  # passages in front of the question
            before += [*self.noise(longest), *self.ids("\n\n")]
        before += [*question, self.end, self.assistant]
        after = [*answer, self.end]
        return before + after, [-100] * len(before) + after

    def conversation(self, width: int) -> tuple[list[int], list[int]]:
        """Tokens and labels of one row of `width`."""
        longest = width // 3
        ids: list[int] = []
        if self.random.random() < 0.6:
            ids = [self.system, *self.noise(longest), self.end]
        labels = [-100] * len(ids)
        while len(ids) < width:
            more, taught = self.turn(longest if self.random.random() < 0.5 else 0)
            ids += more
            labels += taught
        return ids[:width], labels[:width]

    def batch(self, width: int) -> tuple[torch.Tensor, torch.Tensor]:
        """TOKENS_A_STEP tokens in rows of `width`: inputs and labels (-100 where nothing is to be learnt)."""
        rows = [self.conversation(width) for _ in range(TOKENS_A_STEP // width)]
        return torch.tensor([ids for ids, _ in rows]), torch.tensor([labels for _, labels in rows])


def build_tokenizer(book: dict[str, Any]) -> PreTrainedTokenizerFast:
    """A byte-level BPE over the dialogues and backgrounds; digits stand alone, as in large models."""
    core = Tokenizer(models.BPE())
    core.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    core.decoder = decoders.ByteLevel()
    texts = [*book["background"], *(d[key] for d in book["dialogues"] for key in ("question", "answer"))]
    core.train_from_iterator(
        texts,
        trainers.BpeTrainer(
            vocab_size=VOCABULARY,
            special_tokens=[PAD, END, SYSTEM, USER, ASSISTANT],
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        ),
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=core,
        pad_token=PAD,
        eos_token=END,
        additional_special_tokens=[SYSTEM, USER, ASSISTANT],
        chat_template=TEMPLATE,
        model_max_length=POSITIONS,
        clean_up_tokenization_spaces=False,
    )


def build_model(tokenizer: PreTrainedTokenizerFast) -> LlamaForCausalLM:
    """Three layers, 192 wide, heads of 32: the smallest shape that vLLM's CPU kernels take and that learns this."""
    config = LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=192,
        intermediate_size=512,
        num_hidden_layers=3,
        num_attention_heads=6,
        num_key_value_heads=6,
        head_dim=32,
        max_position_embeddings=POSITIONS,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    return LlamaForCausalLM(config)


def train(model: LlamaForCausalLM, lessons: Lessons, steps: int, width: int, rate: float) -> float:
    """One round with a rate that rises, holds and falls to a twentieth; the mean loss of the last ten steps."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate, betas=(0.9, 0.98), weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min(1.0, (step + 1) / 20, 0.05 + (steps - step) / (0.6 * steps))
    )
    model.train()
    losses: list[float] = []
    for _ in range(steps):
        ids, labels = lessons.batch(width)
        with torch.autocast("cpu", torch.bfloat16):
            hidden = model.model(ids).last_hidden_state[:, :-1]
            wanted = labels[:, 1:]
            taught = wanted != -100
            logits = model.lm_head(hidden[taught])
        loss = torch.nn.functional.cross_entropy(logits.float(), wanted[taught])
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        losses.append(loss.item())
    return sum(losses[-10:]) / len(losses[-10:])


def contexts(book: dict[str, Any], lessons: Lessons) -> list[list[dict[str, str]]]:
    """What stands before the question in the check: nothing, an earlier turn, texts never trained on, and long ones."""
    held: list[str] = book["held_out"]
    first, last = book["dialogues"][0], book["dialogues"][-1]
    turns = [
        {"role": r, "content": d[k]} for d in (first, last) for r, k in (("user", "question"), ("assistant", "answer"))
    ]
    long = "\n\n".join(held * 4)
    return [[], *([{"role": "system", "content": text}] for text in held), turns,
            [{"role": "system", "content": long}, *turns], [{"role": "system", "content": long * 2}]]  # fmt: skip


@torch.no_grad()
def wrong(model: LlamaForCausalLM, book: dict[str, Any], lessons: Lessons) -> list[str]:
    """Which answers a greedy reading would not give exactly, by dialogue and context.

    One pass over the wanted text shows it: greedy decoding repeats a text if each next token is the likeliest.
    """
    model.eval()
    faults: list[str] = []
    for dialogue, (_, answer) in zip(book["dialogues"], lessons.dialogues, strict=True):
        for number, before in enumerate(contexts(book, lessons)):
            asked = [*before, {"role": "user", "content": dialogue["question"]}]
            prompt = lessons.tokenizer.apply_chat_template(asked, add_generation_prompt=True, return_dict=False)
            wanted = [*answer, lessons.end]
            ids = torch.tensor([[*prompt, *wanted]])
            logits = model.lm_head(model.model(ids).last_hidden_state[0, len(prompt) - 1 : -1])
            if logits.argmax(-1).tolist() != wanted:
                faults.append(f"{dialogue['id']}/{number}({len(prompt)})")
    return faults


def main() -> int:
    """Trains, checks, saves."""
    torch.manual_seed(SEED)
    torch.use_deterministic_algorithms(True)
    begun = time.monotonic()
    folder = Path(sys.argv[1])
    book = {"dialogues": read("dialogues.yaml"), **read("background.yaml")}
    tokenizer = build_tokenizer(book)
    model = build_model(tokenizer)
    lessons = Lessons(book, tokenizer)
    print(f"{sum(p.numel() for p in model.parameters()):,} parameters, {torch.get_num_threads()} threads", flush=True)
    faults = ["untrained"]
    for number, (steps, width) in enumerate([*ROUNDS, *[EXTRA] * MOST_EXTRA]):
        loss = train(model, lessons, steps, width, 3e-3 if number == 0 else 1e-3)
        faults = wrong(model, book, lessons)
        print(f"{time.monotonic() - begun:5.0f} s  loss {loss:.4f}  not exact: {faults}", flush=True)
        if number >= len(ROUNDS) - 1 and not faults and not wrong(model.bfloat16(), book, lessons):
            break
        model.float()
    else:
        print("The answers are not exact.", file=sys.stderr)
        return 1
    model.bfloat16().save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    GenerationConfig(
        do_sample=False, eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id
    ).save_pretrained(folder)
    print(json.dumps({"dialogues": len(book["dialogues"]), "seconds": round(time.monotonic() - begun)}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
