"""The loop of a digital human: hear, think, speak, perform; interrupted at any moment."""
