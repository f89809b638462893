import { create, findPart, setAttribute, write, writeName } from "./dom.js";
import { moment } from "./format.js";
import { createKeyed } from "./keyed.js";
import { hashOf } from "./place.js";

/** @import { ConsumerFacts, Failure } from "../protocol.ts" */
/** @import { Place } from "./place.js" */
/** @typedef {{ key: string, failure: Failure, consumer: string, href: string }} FailureLine */

/** @param {HTMLElement} section */
export function createFailures(section) {
  const none = findPart(section, "none");
  const lines = createKeyed(findPart(section, "failures"), ({ key }) => key, createFailure);
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
      const oldestFirst = failures.toReversed().map((failure) => {
        const facts = JSON.stringify(failure);
        const ordinal = (alike.get(facts) ?? 0) + 1;
        alike.set(facts, ordinal);
        const { consumer = "", actor } = failure;
        return {
          key: `${ordinal} ${facts}`,
          failure,
          consumer: consumers.get(consumer)?.name ?? consumer,
          href: hashOf({ ...place, view: "actors", actor }),
        };
      });
      lines.draw(oldestFirst.reverse());
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
      if (link) setAttribute(link, "href", href);
    },
  };
}
