"""The whole way of a user: model files to checked Verilog, by the two faces of hgq2rtl."""
