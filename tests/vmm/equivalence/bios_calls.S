/* A 16-bit guest that lives on BIOS calls: the same bare and under Ringmaster (equivalence_test.cpp).

   Entered in protected mode by a Multiboot loader; goes to real mode at 0000:8000, makes each call of the table, and
   keeps all registers behind it in memory at 2000:0. AX of each is printed by INT 14H. Calls that tell how much memory
   there is are not made: that is what a guest of Ringmaster may see. */

        .set    CODE, 0x8000
        .set    RESULTS, 0x2000                 /* a segment */

        .text
        .balign 4
        .long   0x1badb002, 0, -0x1badb002
        .globl  start
start:  cli
        cld
        mov     $sixteen, %esi
        mov     $CODE, %edi
        mov     $(sixteen_end - sixteen), %ecx
        rep movsb
        lgdt    gdt_register
        ljmp    $0x08, $CODE

        .balign 8
gdt:    .quad   0, 0x00009b000000ffff, 0x000093000000ffff
gdt_register:
        .word   . - gdt - 1
        .long   gdt

        .code16
sixteen:
        mov     $0x10, %ax
        mov     %ax, %ds
        mov     %ax, %es
        mov     %ax, %ss
        lidt    vectors - sixteen + CODE
        mov     %cr0, %eax
        and     $~1, %al
        mov     %eax, %cr0
        ljmp    $0, $(1f - sixteen + CODE)
1:      xor     %ax, %ax
        mov     %ax, %ds
        mov     %ax, %ss
        mov     $0x7000, %sp
        mov     $RESULTS, %ax
        mov     %ax, %es
        xor     %di, %di
        sti
        mov     $0xe3, %ax                      /* INT 14H: 9600 baud, 8N1 */
        xor     %dx, %dx
        int     $0x14
        mov     $(calls - sixteen + CODE), %si
next:   mov     (%si), %al
        cmp     $0, %al
        je      done
        mov     %al, vector - sixteen + CODE
        push    %si
        push    %di
        push    %es
        mov     2(%si), %ax
        mov     4(%si), %bx
        mov     6(%si), %cx
        mov     8(%si), %dx
        mov     10(%si), %bp                    /* ES */
        mov     %bp, %es
        mov     12(%si), %si
        mov     %si, %di
        .byte   0xcd                            /* INT: its number is stored here, self-modifying */
vector: .byte   0
        pushf
        pop     %bp
        and     $0x0ed5, %bp                    /* the flags that BIOS calls answer with, and IF */
        mov     %es, %dx
        pop     %es
        pop     %di
        stosw                                   /* AX, BX, CX, flags, ES */
        push    %ax
        mov     %bx, %ax
        stosw
        mov     %cx, %ax
        stosw
        mov     %bp, %ax
        stosw
        mov     %dx, %ax
        stosw
        pop     %ax
        call    print
        pop     %si
        add     $14, %si
        jmp     next
done:   mov     $RESULTS + 0x100, %ax           /* and a memory-writing kernel of 16 bits */
        mov     %ax, %es
        mov     $0x8000, %cx
        xor     %di, %di
        mov     $1, %ax
2:      stosw
        imul    $25173, %ax, %ax
        add     $13849, %ax
        loop    2b
        mov     $0, %al
        out     %al, $0xf4
3:      hlt
        jmp     3b

print:  push    %ax                             /* AX in hexadecimal, and a blank, on COM1 */
        mov     $4, %cx
4:      rol     $4, %ax
        push    %ax
        and     $15, %al
        add     $'0', %al
        cmp     $'9', %al
        jbe     5f
        add     $7, %al
5:      call    put
        pop     %ax
        loop    4b
        mov     $'\n', %al
        call    put
        pop     %ax
        ret
put:    push    %ax
        push    %dx
        mov     $1, %ah
        xor     %dx, %dx
        int     $0x14
        pop     %dx
        pop     %ax
        ret

vectors:
        .word   0x3ff
        .long   0

/* Vector, AX, BX, CX, DX, ES, SI and DI. */
        .macro  call vector, ax, bx=0, cx=0, dx=0, es=0, si=0
        .word   \vector, \ax, \bx, \cx, \dx, \es, \si
        .endm
calls:  call    0x10, 0x0003                    /* mode 3 */
        call    0x10, 0x0f00
        call    0x10, 0x0e41, 7                 /* a letter */
        call    0x10, 0x0200, 0, 0, 0x0505      /* the cursor */
        call    0x10, 0x0300
        call    0x10, 0x0942, 7, 10             /* ten letters */
        call    0x10, 0x0800
        call    0x10, 0x1130, 0x0600            /* where the font is */
        call    0x10, 0x4f00, 0, 0, 0, 0x3000, 0 /* VBE's information */
        call    0x11, 0                         /* equipment */
        call    0x13, 0x0800, 0, 0, 0x80        /* a disk that is not there */
        call    0x15, 0xc000                    /* configuration */
        call    0x15, 0x2401                    /* A20 on */
        call    0x15, 0x2402
        call    0x15, 0x8700, 0, 0x100, 0, 0, (block_move-sixteen+CODE)
        call    0x15, 0x1234                    /* nothing */
        call    0x16, 0x0100                    /* no key */
        call    0x16, 0x0200
        call    0x1a, 0xb101                    /* PCI BIOS */
        call    0x1a, 0xb102, 0, 0x1237, 0x8086
        .word   0
/* INT 15H, AH=87H: from 100000H, where this image is, to 30000H. */
        .balign 16
block_move:
        .skip   16
        .word   0xffff, 0x0000, 0x9310, 0
        .word   0xffff, 0x0000, 0x9303, 0
        .skip   16
sixteen_end:

        .section .note.GNU-stack, "", @progbits
