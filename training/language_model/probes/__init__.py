"""What a trained network remembers, and from how far: three measurements that ask it without changing it.

    memory_ruler.py     the loss when only the last 1, 2, 4 … tokens may be seen
    chorus_recall.py    what a stanza that comes again owes to having been read before
    gradient_reach.py   how much of a loss arrives at the state some tokens earlier

Each works for every network that `networks` builds, through ``remember`` and ``logits`` alone, and each is proved on
made-up songs whose memory is known (tests/training/language_model/probes).
"""
