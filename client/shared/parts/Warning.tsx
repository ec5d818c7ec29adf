interface WarningProps {
  children: string;
  onFold?: () => void;
}

/** Large and plain-worded. It can be folded away; whoever shows it keeps a small amber badge then. */
export function Warning({ children, onFold }: WarningProps) {
  return (
    <div class="warning" role="alert">
      <svg viewBox="0 0 24 24" aria-hidden="true">
        <path d="M12 2L23 21H1z" fill="currentColor" />
        <path d="M12 9v6M12 17v2" stroke="#262626" stroke-width="2.4" />
      </svg>
      <span>{children}</span>
      {onFold && (
        <button type="button" class="fold button-plain" onClick={onFold} title="Fold away (Esc)">
          Fold
        </button>
      )}
    </div>
  );
}
