#!/usr/bin/env python3
"""Writes a stand-in for one of CUDA's libraries, to link with instead of it.

A program that is linked with the libraries themselves does not even start on a machine without them. The stand-in
has a function for each one that cudarc declares. Its first call opens the real library and looks the function up;
this and every later call jumps there, whatever its arguments are. Where the library or the function is missing, the
call gives the library's own number for that.

Usage: late.py NAME FILE STATUS SOURCE FOLDER
  NAME     what it is linked by (-lNAME)
  FILE     what is opened at run time (libNAME.so.1)
  STATUS   what its functions return when FILE is not there
  SOURCE   the file of cudarc that declares the functions
  FOLDER   where NAME.c and NAME.s are written, for x86-64 Linux
"""

import pathlib
import re
import sys

C = """\
#include <dlfcn.h>
#define COUNT {count}
static const char *const names[COUNT] = {{
{names}
}};
__attribute__((visibility("hidden"))) void *late_{name}_slots[COUNT];
static long missing(void) {{ return {status}; }}
__attribute__((visibility("hidden"))) void *late_{name}_find(unsigned at) {{
    void *library = dlopen("{file}", RTLD_NOW | RTLD_GLOBAL);
    void *found = library ? dlsym(library, names[at]) : 0;
    if (!found) return (void *)missing; /* and looked for again at the next call */
    __atomic_store_n(&late_{name}_slots[at], found, __ATOMIC_RELEASE);
    return found;
}}
"""

# Every register that may hold an argument is kept while the function is looked up.
WAY = """\
    .text
    .type late_{name}_way, @function
late_{name}_way:
    pushq %rbp
    movq %rsp, %rbp
    {push}
    subq $128, %rsp
    {save}
    movl %r11d, %edi
    call late_{name}_find
    movq %rax, %r11
    {load}
    addq $128, %rsp
    {pop}
    popq %rbp
    jmp *%r11
"""

ENTRY = """\
    .globl {function}
    .type {function}, @function
{function}:
    movq late_{name}_slots+{offset}(%rip), %r11
    testq %r11, %r11
    je 1f
    jmp *%r11
1:  movl ${at}, %r11d
    jmp late_{name}_way
"""


def main() -> int:
    name, file, status, source, folder = sys.argv[1:]
    text = pathlib.Path(source).read_text(encoding="utf-8")
    functions = sorted(set(re.findall(r'load::<_F>\("(\w+)"\)', text)))
    if not functions:
        print(f"late.py: {source} declares no function", file=sys.stderr)
        return 1
    registers = ["rdi", "rsi", "rdx", "rcx", "r8", "r9", "rax", "r10"]
    lines = "\n    ".join
    way = WAY.format(
        name=name,
        push=lines(f"pushq %{it}" for it in registers),
        pop=lines(f"popq %{it}" for it in reversed(registers)),
        save=lines(f"movups %xmm{at}, {16 * at}(%rsp)" for at in range(8)),
        load=lines(f"movups {16 * at}(%rsp), %xmm{at}" for at in range(8)),
    )
    entries = "".join(
        ENTRY.format(function=function, name=name, offset=8 * at, at=at) for at, function in enumerate(functions)
    )
    names = ",\n".join(f'    "{function}"' for function in functions)
    out = pathlib.Path(folder)
    out.joinpath(f"{name}.c").write_text(
        C.format(count=len(functions), names=names, name=name, file=file, status=status), encoding="utf-8"
    )
    note = '    .section .note.GNU-stack,"",@progbits\n'
    out.joinpath(f"{name}.s").write_text(way + entries + note, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
