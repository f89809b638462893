import { create, find, write, writeName } from "./dom.js";
import { moment } from "./format.js";
import { createKeyed } from "./keyed.js";
import { hashOf } from "./place.js";

/** @import { ConsumerFacts, Failure } from "../protocol.ts" */
/** @typedef {import("./place.js").Place} Place */
/** @typedef {{ readonly key: string, readonly failure: Failure, readonly consumer: string, readonly href: string }} FailureLine */

/** @param {HTMLElement} section */
export function createFailures(section) {
  const none = find(section, "[data-part=none]", HTMLElement);
  const lines = createKeyed(
    find(section, "[data-part=failures]", HTMLElement),
    (/** @type {FailureLine} */ { key }) => key,
    createFailure,
  );
  return {
    /**
     * @param {object} model
     * @param {readonly Failure[]} model.failures
     * @param {ReadonlyMap<string, ConsumerFacts>} model.consumers
     * @param {Place} model.place
     */
    draw({ failures, consumers, place }) {
      none.hidden = failures.length > 0;
      /** @type {Map<string, number>} */
      const alike = new Map();
      lines.draw(
        [...failures]
          .reverse()
          .map((failure) => {
            const facts = JSON.stringify(failure);
            const ordinal = (alike.get(facts) ?? 0) + 1;
            alike.set(facts, ordinal);
            return {
              key: `${ordinal} ${facts}`,
              failure,
              consumer:
                failure.consumer === undefined
                  ? ""
                  : (consumers.get(failure.consumer)?.name ?? failure.consumer),
              href: hashOf({ ...place, view: "actors", actor: failure.actor }),
            };
          })
          .reverse(),
      );
    },
  };
}

/** @param {FailureLine} line */
function createFailure({ failure }) {
  const time = create("time", "", moment(failure.at));
  time.dateTime = new Date(failure.at).toISOString();
  const consumer = create("span", "name");
  const path = create("span", "path");
  const stage = create("b", "stage");
  const message = create("p", "message");
  for (const part of [consumer, path, stage, message]) part.dir = "auto";
  writeName(path, failure.path ?? "");
  writeName(stage, failure.stage);
  write(message, failure.message);
  message.title = failure.message;
  const head = create("p", "failure-head", time, " ", stage, " ", consumer, " ", path);
  const link = failure.actor === undefined ? undefined : create("a", "", "Open the actor");
  if (link) head.append(" ", link);
  return {
    element: create("li", "failure", head, message),
    /** @param {FailureLine} line */
    show({ consumer: name, href }) {
      writeName(consumer, name);
      if (link && link.getAttribute("href") !== href) link.href = href;
    },
  };
}
