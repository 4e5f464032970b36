"""Templates (Jinja2) of what an output folder holds beside the Verilog."""
