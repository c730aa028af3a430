"""Where text comes from: a model behind vLLM's HTTP interface, or quotation from the library."""
