/* Functions that are never right here. Included by the compiler for every file (-include). */
#ifndef LIB_BASE_BAN_H
#define LIB_BASE_BAN_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

/* Fortified headers define these two as macros under clang. */
#undef sprintf
#undef vsprintf
#pragma GCC poison strcpy strcat sprintf vsprintf strtok atoi atol gmtime localtime system

#endif
