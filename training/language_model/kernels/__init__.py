"""What writing spends its time on, as machine code: written with numba, compiled once on each machine, linked by LLVM.

    vectors, products ─▶ lstm ────────────────┐
    vectors ─▶ likeliest, filters ─▶ drawing ─┴▶ exported ─▶ compile ─▶ one object file ─▶ linked ─▶ who writes

Numba and its tables take 130 MB of a process. So they run in a process of their own, which leaves an object file under
a name that no other source, program or processor has; a web process links that, in a twentieth of a second. What
`linked` imports is LLVM's binding alone; nothing else here is to be imported where lyrics are written.
"""
