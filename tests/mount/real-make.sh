#!/bin/bash
# SPDX-License-Identifier: MIT
# timeout: 180
# make of a C project, redirected: applied, it is what make builds alone.
. "$(dirname "$0")/../lib.sh"
need make gcc
need_sandbox

mkdir -p proj/src proj/include
for i in $(seq 20); do
	printf 'int f%s(void);\n' "$i" >>proj/include/all.h
	printf '#include "all.h"\n#include <stdio.h>\nint f%s(void)\n{\n\treturn printf("%s\\n");\n}\n' \
		"$i" "$i" >"proj/src/f$i.c"
done
{
	printf '#include "all.h"\nint main(void)\n{\n'
	for i in $(seq 20); do printf '\tf%s();\n' "$i"; done
	printf '\treturn 0;\n}\n'
} >proj/src/main.c
cat >proj/Makefile <<'IN'
sources := $(wildcard src/*.c)
objects := $(sources:src/%.c=build/%.o)
all: build/prog
build/%.o: src/%.c include/all.h | build
	gcc -O1 -Iinclude -MMD -c -o $@ $<
build:
	mkdir -p $@
build/lib.a: $(filter-out build/main.o,$(objects))
	ar rcsD $@ $^
build/prog: build/main.o build/lib.a
	gcc -o $@ $^
IN
like_native --no-times <<'IN'
cd proj
make -s -j 2
expect_eq "$(./build/prog | tail -n 1)" 20
touch include/all.h
make -s -j 2
expect_eq "$(make -q && echo uptodate)" uptodate
echo 'int unused;' >>src/f1.c
rm src/f20.c build/f20.o
sed -i '/f20/d' include/all.h src/main.c
make -s -j 2
expect_eq "$(./build/prog | tail -n 1)" 19
IN
