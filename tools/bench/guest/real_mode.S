/* A loop in real mode: uint32_t in_real_mode(uint32_t turns).

   The code is copied to 1000:0000, as it must lie below 1 MiB; it refers to itself by offsets only. Paging is switched
   off in 32-bit code and on again there; the tables map every address to itself. Segments: 30H is 16-bit code at 10000H,
   38H data with a limit of 64 KiB, as real mode has it. */
        .set    SEGMENT, 0x1000
        .set    CODE16, 0x30
        .set    DATA16, 0x38
        .set    DATA_SEGMENT, 0x1800            /* also SEGMENT:8000 */

        .text
        .globl  in_real_mode
in_real_mode:
        push    %ebp
        push    %ebx
        push    %esi
        push    %edi
        mov     %esp, saved_esp
        mov     20(%esp), %edx
        mov     $blob, %esi
        mov     $SEGMENT * 16, %edi
        mov     $blob_end - blob, %ecx
        rep movsb
        mov     $DATA_SEGMENT * 16, %edi        /* what it reads begins as 0 */
        mov     $256, %ecx
        xor     %eax, %eax
        rep stosb
        mov     %edx, %ecx
        mov     %cr0, %eax
        and     $0x7fffffff, %eax               /* PG */
        mov     %eax, %cr0
        ljmp    $CODE16, $0

        .code16
blob:   mov     $DATA16, %ax
        mov     %ax, %ds
        mov     %ax, %es
        mov     %ax, %ss
        mov     %cr0, %eax
        and     $0xfffffffe, %eax               /* PE */
        mov     %eax, %cr0
        ljmp    $SEGMENT, $1f - blob
1:      mov     $SEGMENT, %ax
        mov     %ax, %ds
        mov     %ax, %ss
        mov     $0xfff0, %esp
        mov     $DATA_SEGMENT, %dx
        mov     $0x1234, %bx
        xor     %bp, %bp
        xor     %si, %si
        xor     %di, %di
turn:   mov     %dx, %es
        mov     0x8000(%si), %ax
        add     %bx, %ax
        rol     $3, %ax
        mov     %ax, %es:2(%di)
        push    %ax
        call    deeper
        pop     %ax
        xor     %ax, %bx
        add     $2, %si
        and     $0x7e, %si
        mov     %si, %di
        add     %es:(%di), %bx
        dec     %ecx
        jnz     turn
        shl     $16, %ebp
        mov     %bx, %bp
        mov     %cr0, %eax
        or      $1, %eax
        mov     %eax, %cr0
        ljmpl   $8, $protected_again
deeper: inc     %bp
        xor     %bp, %bx
        ret
blob_end:

        .code32
protected_again:
        mov     $0x10, %eax
        mov     %eax, %ds
        mov     %eax, %es
        mov     %eax, %ss
        mov     saved_esp, %esp
        mov     %cr0, %eax
        or      $0x80000000, %eax
        mov     %eax, %cr0
        mov     %ebp, %eax
        pop     %edi
        pop     %esi
        pop     %ebx
        pop     %ebp
        ret

        .bss
        .balign 4
saved_esp:
        .skip   4

        .section .note.GNU-stack, "", @progbits
