"""The agents' own tools: what each tells before it acts, what is refused there, and how each wants its answer."""
