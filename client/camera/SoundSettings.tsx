import { Badge } from '../shared/parts/Badge.tsx';
import { Choices } from '../shared/parts/Choices.tsx';
import { ltc, sender, soundInputs } from './model.ts';

const NONE = 'none';

/** Which input is sent as sound, and which is listened to for timecode: neither, until somebody chooses. */
export function SoundSettings() {
  const { microphone } = sender;
  const trouble = microphone.trouble.value ?? ltc.trouble.value;
  return (
    <>
      <InputChoice
        label="Microphone"
        chosen={microphone.chosen.value}
        onChoose={(deviceId) => void microphone.choose(deviceId)}
      />
      <InputChoice
        label="Timecode (LTC) from"
        chosen={ltc.chosen.value}
        onChoose={(deviceId) => void ltc.choose(deviceId)}
      />
      {ltc.chosen.value !== null && (
        <div class="field">
          <span class="label">Timecode’s channel</span>
          <div class="ltc">
            <Choices
              label="Timecode’s channel"
              choices={[
                { value: 1, label: '1' },
                { value: 2, label: '2' },
              ]}
              value={ltc.channel.value}
              onChoose={(channel) => void ltc.choose(ltc.chosen.peek(), channel)}
            />
            {ltc.heard.value ? (
              <span class="number heard">{ltc.heard.value}</span>
            ) : (
              <Badge tone="amber">No timecode is heard</Badge>
            )}
          </div>
        </div>
      )}
      {trouble && <Badge tone="amber">{trouble}</Badge>}
    </>
  );
}

interface InputChoiceProps {
  label: string;
  chosen: string | null;
  onChoose(deviceId: string | null): void;
}

function InputChoice({ label, chosen, onChoose }: InputChoiceProps) {
  const inputs = soundInputs.value;
  return (
    <label class="field">
      <span class="label">{label}</span>
      <select
        value={chosen ?? NONE}
        onChange={({ currentTarget: { value } }) => onChoose(value === NONE ? null : value)}
      >
        <option value={NONE}>None</option>
        {!inputs.some(({ deviceId }) => deviceId === 'default') && <option value="">The usual input</option>}
        {inputs.map(({ deviceId, label: name }, index) => (
          <option key={deviceId} value={deviceId}>
            {name || `Input ${index + 1}`}
          </option>
        ))}
      </select>
    </label>
  );
}
