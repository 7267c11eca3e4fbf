#include <stdio.h>
#include "base/run.h"
int main(void)
{
    printf("sgdlab %s\n", sl_version);
    return 0;
}
