"""Tells a small story. HF_ENDPOINT, or a mount at MODEL_DIR, says where the model comes from."""
import os

import gradio as gr
from transformers import pipeline

tell = pipeline("text-generation", model=os.environ.get("MODEL_DIR", "hffs/tiny-tales"))


def story(beginning: str) -> str:
    return tell(beginning or "Once upon a time", max_new_tokens=120)[0]["generated_text"]


gr.Interface(fn=story, inputs="text", outputs="text", title="Story time").launch()
