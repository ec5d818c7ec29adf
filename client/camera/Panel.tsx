import { Badge } from '../shared/parts/Badge.tsx';
import { Choices } from '../shared/parts/Choices.tsx';
import { HoldButton } from '../shared/parts/HoldButton.tsx';
import { Value } from '../shared/parts/Value.tsx';
import { again, loweredWords, size } from '../shared/words.ts';
import { aidWanted, control, devices, isCamera, mirrored, RATES, SIZES, sender } from './model.ts';
import { SoundSettings } from './SoundSettings.tsx';

export function Panel() {
  const onAir = sender.onAir.value;
  return (
    <aside class="panel" aria-label="Camera controls">
      {onAir ? (
        <HoldButton class="go" holdKey="x" onHeld={() => sender.stop()}>
          Hold to stop
        </HoldButton>
      ) : (
        <button type="button" class="go button-main" disabled={!sender.source.value} onClick={() => sender.go()}>
          Go
        </button>
      )}
      <p class="says" role="status">
        <Says />
      </p>
      <Sent />
      <Settings />
    </aside>
  );
}

/** One sentence: what is happening, and what to do when it is not well. */
function Says() {
  const link = sender.link.status.value;
  const stats = sender.stats.value;
  const { feed } = sender.settings.value;
  const served = control.feeds.value.find(({ name }) => name === feed);
  if (link.phase === 'refused') return <Badge tone="amber">{link.sentence}</Badge>;
  if (link.phase === 'waiting') return <Badge tone="amber">{`${link.sentence} ${again(link)}`}</Badge>;
  if (link.phase === 'closed') {
    if (control.status.value.phase === 'refused') return <Badge tone="amber">{control.status.value.sentence}</Badge>;
    return <>Nothing leaves this device until you press Go.</>;
  }
  if (link.phase === 'opening' || !stats?.connected) return <Badge>Connecting to the server</Badge>;
  const lowered = served && loweredWords(served);
  if (lowered) return <Badge tone="amber">{lowered}</Badge>;
  if (served?.message) return <Badge tone="amber">{served.message}</Badge>;
  if (stats.limited === 'cpu')
    return (
      <Badge tone="amber">
        This device is too slow for this size: it sends {size(stats.width, stats.height)}. Choose a smaller one.
      </Badge>
    );
  if (stats.limited === 'bandwidth')
    return (
      <Badge tone="amber">
        The network is too slow for this size: it sends {size(stats.width, stats.height)}. Move closer to it, or choose
        a smaller one.
      </Badge>
    );
  return <Badge tone="green">{`“${feed}” arrives at the server.`}</Badge>;
}

function Sent() {
  const stats = sender.stats.value;
  const stale = !stats?.connected;
  return (
    <div class="table sent">
      <span>Sent</span>
      <Value
        name="sent bitrate"
        value={stats ? stats.bitrate / 1e6 : null}
        unit="Mbps"
        decimals={1}
        figures={9}
        stale={stale}
      />
      <span>Rate</span>
      <Value name="sent rate" value={stats?.fps ?? null} unit="fps" figures={9} stale={stale} />
      <span>Picture</span>
      <Value
        name="sent size"
        value={stats ? size(stats.width, stats.height) : null}
        unit={stats?.codec || ' '}
        figures={9}
        stale={stale}
      />
      <span>Round trip</span>
      <Value name="round trip" value={stats?.roundTripMs ?? null} unit="ms" decimals={1} figures={9} stale={stale} />
    </div>
  );
}

function Settings() {
  const { feed, height, fps, deviceId, kind } = sender.settings.value;
  return (
    <div class="settings">
      <label class="field">
        <span class="label">Feed name</span>
        <input
          value={feed}
          maxLength={32}
          disabled={sender.onAir.value}
          spellcheck={false}
          autocomplete="off"
          onInput={(event) => {
            const name = event.currentTarget.value.toLowerCase().replace(/[^a-z0-9-]/g, '-');
            event.currentTarget.value = name;
            sender.settings.value = { ...sender.settings.peek(), feed: name };
          }}
        />
      </label>
      {isCamera && <DeviceChoice chosen={deviceId} />}
      {kind === 'file' && (
        <label class="field">
          <span class="label">Video file</span>
          <input
            id="file"
            type="file"
            accept="video/*"
            onChange={(event) => void sender.open({ file: event.currentTarget.files?.[0] ?? null })}
          />
        </label>
      )}
      <div class="field">
        <span class="label">Size</span>
        <Choices
          label="Size"
          choices={SIZES}
          value={height}
          onChoose={(value) =>
            void sender.open({ height: value, width: SIZES.find((one) => one.value === value)?.width ?? 1280 })
          }
        />
      </div>
      <div class="field">
        <span class="label">Pictures a second</span>
        <Choices
          label="Pictures a second"
          choices={RATES.map((rate) => ({ value: rate, label: String(rate) }))}
          value={fps}
          onChoose={(rate) => void sender.open({ fps: rate })}
        />
      </div>
      <SoundSettings />
      {isCamera && (
        <div class="checks">
          <label class="check">
            <input type="checkbox" checked={mirrored.value} onChange={() => (mirrored.value = !mirrored.peek())} />
            Mirror the preview
          </label>
          <label class="check">
            <input type="checkbox" checked={aidWanted.value} onChange={() => (aidWanted.value = !aidWanted.peek())} />
            Framing aid
          </label>
        </div>
      )}
    </div>
  );
}

function DeviceChoice({ chosen }: { chosen: string | null }) {
  const current = chosen ?? sender.source.value?.track.getSettings().deviceId ?? '';
  return (
    <label class="field">
      <span class="label">Camera</span>
      <select
        value={current}
        disabled={devices.value.length === 0}
        onChange={(event) => void sender.open({ deviceId: event.currentTarget.value })}
      >
        {devices.value.length === 0 && <option value="">None yet</option>}
        {devices.value.map((device, index) => (
          <option key={device.deviceId} value={device.deviceId}>
            {device.label || `Camera ${index + 1}`}
          </option>
        ))}
      </select>
    </label>
  );
}
